package remote

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"hotline/media"
)

// Protocol is the version of what is spoken here. It changes when a frame gets
// another meaning; a new field or a new command does not change it.
const Protocol = 1

// maxFrame is the longest frame, kind and body, in bytes. Audio is cut into
// chunks that fit.
const (
	maxFrame  = 64 << 10
	clipChunk = 32 << 10
)

// kind says what the body of a frame is.
type kind byte

// Kinds of frames; the first three are the same in all versions.
const (
	kindHello   kind = 1 // both: hello
	kindRefused kind = 2 // server: refused; the connection ends
	kindEnd     kind = 3 // client: close everything and exit; no body

	kindLeg       kind = 10 // server, after its hello: LegState
	kindRecording kind = 11 // server, after its hello: RecordingState
	kindClipKnown kind = 12 // server, after its hello: the id
	kindReady     kind = 13 // server: the lists are complete

	kindOpen    kind = 20 // client: open
	kindOpened  kind = 21 // server: opened
	kindClip    kind = 22 // client: a chunk of audio
	kindCommand kind = 23 // client: name and JSON
	kindEvent   kind = 24 // server: name and JSON
	kindStats   kind = 25 // server: the counters by name
)

var (
	errTooLong = errors.New("frame is too long")
	errEmpty   = errors.New("frame is empty")
	errShort   = errors.New("frame is too short")
)

// frame makes the bytes of a frame.
func frame(k kind, body ...[]byte) ([]byte, error) {
	n := 1
	for _, b := range body {
		n += len(b)
	}
	if n > maxFrame {
		return nil, errTooLong
	}
	out := make([]byte, 0, 4+n)
	out = binary.BigEndian.AppendUint32(out, uint32(n))
	out = append(out, byte(k))
	for _, b := range body {
		out = append(out, b...)
	}
	return out, nil
}

// jsonFrame makes a frame whose body is JSON.
func jsonFrame(k kind, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return frame(k, b)
}

// readFrame reads one frame into buf, which has room for the longest one. The
// body is valid until buf is used again.
func readFrame(r io.Reader, buf *[4 + maxFrame]byte) (kind, []byte, error) {
	if _, err := io.ReadFull(r, buf[:4]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(buf[:4])
	switch {
	case n == 0:
		return 0, nil, errEmpty
	case n > maxFrame:
		return 0, nil, errTooLong
	}
	b := buf[4 : 4+n]
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, nil, err
	}
	return kind(b[0]), b[1:], nil
}

// codec reads the body of a message by the name of its type.
type codec[T any] map[string]func([]byte) (T, error)

// commands are all that cross. A test holds the table against package media.
var commands = codec[media.Command]{
	"SetRemote":      command[media.SetRemote],
	"Play":           command[media.Play],
	"Stop":           command[media.Stop],
	"Seat":           command[media.Seat],
	"Leave":          command[media.Leave],
	"Record":         command[media.Record],
	"Tap":            command[media.Tap],
	"Pause":          command[media.Pause],
	"Finish":         command[media.Finish],
	"SendDigit":      command[media.SendDigit],
	"MaskDigits":     command[media.MaskDigits],
	"WithholdDigits": command[media.WithholdDigits],
	"Close":          command[media.Close],
}

var events = codec[media.Event]{
	"Digit":    event[media.Digit],
	"Played":   event[media.Played],
	"Silent":   event[media.Silent],
	"Heard":    event[media.Heard],
	"Closed":   event[media.Closed],
	"Hushed":   event[media.Hushed],
	"Recorded": readRecorded,
}

func command[T media.Command](b []byte) (media.Command, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return v, err
}

func event[T media.Event](b []byte) (media.Event, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return v, err
}

// recorded is media.Recorded with its error as text.
type recorded struct {
	media.Recorded
	Err string `json:",omitempty"`
}

func readRecorded(b []byte) (media.Event, error) {
	var v recorded
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	if v.Err != "" {
		v.Recorded.Err = errors.New(v.Err)
	}
	return v.Recorded, nil
}

// named makes a frame of a command or event: length of the name, name, JSON.
func named(k kind, v any) ([]byte, error) {
	name := reflect.TypeOf(v).Name()
	if r, ok := v.(media.Recorded); ok {
		w := recorded{Recorded: r}
		if r.Err != nil {
			w.Err = r.Err.Error()
		}
		v = w
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return frame(k, append([]byte{byte(len(name))}, name...), b)
}

// read finds the message in the body of a frame that was made by named.
func (c codec[T]) read(body []byte) (v T, err error) {
	if len(body) == 0 || len(body) < 1+int(body[0]) {
		return v, errShort
	}
	name := string(body[1 : 1+int(body[0])])
	f := c[name]
	if f == nil {
		return v, fmt.Errorf("no message %q", name)
	}
	if v, err = f(body[1+len(name):]); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return v, err
}

// chunk is a piece of a clip.
type chunk struct {
	id     media.ClipID
	total  uint32 // bytes of the whole clip
	offset uint32
	audio  []byte
}

// maxClip is the longest clip, an hour of audio in bytes.
const maxClip = 3600 * 8000

func (c chunk) frame() ([]byte, error) {
	head := append([]byte{byte(len(c.id))}, c.id...)
	head = binary.BigEndian.AppendUint32(head, c.total)
	head = binary.BigEndian.AppendUint32(head, c.offset)
	return frame(kindClip, head, c.audio)
}

// readChunk reads a chunk; its audio is part of the body.
func readChunk(body []byte) (c chunk, err error) {
	if len(body) < 1 || len(body) < 1+int(body[0])+8 {
		return c, errShort
	}
	c.id = media.ClipID(body[1 : 1+int(body[0])])
	body = body[1+len(c.id):]
	c.total, c.offset = binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	c.audio = body[8:]
	if c.total > maxClip || uint64(c.offset)+uint64(len(c.audio)) > uint64(c.total) {
		return c, fmt.Errorf("clip %q: %w", c.id, errTooLong)
	}
	return c, nil
}

// chunks cuts a clip.
func chunks(id media.ClipID, audio []byte) ([][]byte, error) {
	if len(id) > 255 || len(audio) > maxClip {
		return nil, errTooLong
	}
	var out [][]byte
	for at := 0; at < len(audio) || at == 0; at += clipChunk {
		c := chunk{id, uint32(len(audio)), uint32(at), audio[at:min(at+clipChunk, len(audio))]}
		b, err := c.frame()
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}
