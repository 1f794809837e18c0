package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hotline/store"
)

// RecordingReply is a recording with the place of its file.
type RecordingReply struct {
	store.Recording
	File string `json:"file"` // absolute path on the machine of the process
}

// filter reads the query of a list: from, to (RFC 3339, to exclusive), agent,
// queue, caller, disposition (of call records), limit.
func filter(q url.Values) (store.Filter, error) {
	var f store.Filter
	for name, values := range q {
		v := values[len(values)-1]
		if v == "" {
			continue
		}
		var err error
		switch name {
		case "from":
			f.From, err = time.Parse(time.RFC3339, v)
		case "to":
			f.To, err = time.Parse(time.RFC3339, v)
		case "agent":
			f.Agent = v
		case "queue":
			f.Queue = v
		case "caller":
			f.Caller = v
		case "disposition":
			f.Disposition = v
		case "limit":
			f.Limit, err = strconv.Atoi(v)
			if err == nil && f.Limit < 0 {
				err = strconv.ErrRange
			}
		default:
			return f, badRequest("parameter "+quote(name), "not known", "from, to, agent, queue, caller, disposition or limit")
		}
		if err != nil {
			return f, badRequest(name+" "+quote(v), "not understood", "a time like 2026-12-24T18:00:00Z, or a number for limit")
		}
	}
	return f, nil
}

func quote(s string) string { return strconv.Quote(s) }

// lines streams records, one JSON object per line.
type lines struct {
	w   http.ResponseWriter
	enc *json.Encoder
	ctx interface{ Err() error }
	n   int
	err error
}

func newLines(w http.ResponseWriter, r *http.Request) *lines {
	return &lines{w: w, enc: json.NewEncoder(w), ctx: r.Context()}
}

// put writes one and is false when the reader is gone. A reader who is too slow
// is cut, because the store keeps its snapshot for him as long as he reads.
func (l *lines) put(v any) bool {
	if l.n == 0 {
		l.w.Header().Set("Content-Type", "application/x-ndjson")
	}
	if l.n%64 == 0 {
		deadline(l.w, writeTimeout)
	}
	l.n++
	if l.err = l.ctx.Err(); l.err == nil {
		l.err = l.enc.Encode(v)
	}
	return l.err == nil
}

// end closes the list. An error after the first line cuts the connection, so
// that half a list is never taken for a whole one.
func (l *lines) end(what string, err error) {
	switch {
	case err == nil && l.err == nil && l.n == 0:
		l.w.Header().Set("Content-Type", "application/x-ndjson")
		l.w.WriteHeader(http.StatusOK)
	case err == nil && l.err == nil:
	case l.n == 0:
		fail(l.w, asError(what, err))
	default:
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) cdrs(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r.URL.Query())
	if err != nil {
		fail(w, asError("cdrs", err))
		return
	}
	l := newLines(w, r)
	l.end("cdrs", s.engine.Store().CDRs(f, func(c store.CDR) bool { return l.put(c) }))
}

func (s *Server) cdr(w http.ResponseWriter, r *http.Request) {
	c, err := s.engine.Store().CDR(r.PathValue("id"))
	if err != nil {
		failRecord(w, "cdr", r.PathValue("id"), err)
		return
	}
	reply(w, http.StatusOK, c)
}

func (s *Server) recordingList(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r.URL.Query())
	if err != nil {
		fail(w, asError("recordings", err))
		return
	}
	l := newLines(w, r)
	l.end("recordings", s.engine.Store().Recordings(f, func(c store.Recording) bool { return l.put(s.place(c)) }))
}

// place adds the absolute path.
func (s *Server) place(r store.Recording) RecordingReply {
	return RecordingReply{r, filepath.Join(s.recordings, filepath.FromSlash(r.Path))}
}

func (s *Server) recording(w http.ResponseWriter, r *http.Request) {
	rec, err := s.engine.Store().Recording(r.PathValue("id"))
	if err != nil {
		failRecord(w, "recording", r.PathValue("id"), err)
		return
	}
	reply(w, http.StatusOK, s.place(rec))
}

// audio sends the WAV file, also in parts (Range). The path is opened beneath
// the recordings' folder and can't lead out of it.
func (s *Server) audio(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	rec, err := s.engine.Store().Recording(id)
	if err != nil {
		failRecord(w, "recording", id, err)
		return
	}
	f, err := os.OpenInRoot(s.recordings, filepath.FromSlash(rec.Path))
	if err != nil {
		fail(w, &Error{http.StatusNotFound, "recording " + id, err.Error(), "look whether its file was moved or deleted"})
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		fail(w, &Error{http.StatusNotFound, "recording " + id, "its path is not a file", ""})
		return
	}
	deadline(w, audioTimeout)
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

func failRecord(w http.ResponseWriter, kind, id string, err error) {
	e := asError(kind+" "+id, err)
	if e.Status == http.StatusNotFound {
		e = notFound(kind, id)
	}
	fail(w, e)
}
