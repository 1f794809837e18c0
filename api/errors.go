package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"hotline/call"
	"hotline/store"
)

// Error is a refusal in words for people. It prints as "what: why; try: ...".
type Error struct {
	Status int    `json:"-"` // of HTTP
	What   string `json:"what"`
	Why    string `json:"why"`
	Try    string `json:"try,omitempty"`
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.What)
	if e.Why != "" {
		b.WriteString(": " + e.Why)
	}
	if e.Try != "" {
		b.WriteString("; try: " + e.Try)
	}
	return b.String()
}

// errorBody is an Error on the wire.
type errorBody struct {
	Error *Error `json:"error"`
}

// statuses maps the errors that callers branch on to HTTP's.
var statuses = []struct {
	err    error
	status int
}{
	{store.ErrNotFound, http.StatusNotFound},
	{call.ErrUnknown, http.StatusNotFound},
	{call.ErrBadState, http.StatusBadRequest},
	{call.ErrBadMode, http.StatusBadRequest},
	{call.ErrNotSupervisor, http.StatusForbidden},
	{call.ErrOwnCall, http.StatusConflict},
	{call.ErrElsewhere, http.StatusConflict},
	{call.ErrAmbiguous, http.StatusConflict},
	{call.ErrConference, http.StatusConflict},
	{call.ErrCrowded, http.StatusConflict},
	{call.ErrNoPhone, http.StatusConflict},
	{call.ErrNoTalk, http.StatusConflict},
	{call.ErrNowhere, http.StatusNotFound},
	{call.ErrNoRule, http.StatusNotFound},
	{call.ErrForeign, http.StatusForbidden},
	{call.ErrTooMany, http.StatusServiceUnavailable},
	{call.ErrNotBanned, http.StatusNotFound},
	{call.ErrNotAllowed, http.StatusForbidden},
	{call.ErrBadOrder, http.StatusBadRequest},
	{call.ErrSelf, http.StatusConflict},
	{call.ErrBusyAgent, http.StatusConflict},
	{call.ErrNothingRings, http.StatusNotFound},
	{call.ErrNotParked, http.StatusNotFound},
	{call.ErrNotShown, http.StatusForbidden},
	{call.ErrFullHouse, http.StatusServiceUnavailable},
	{call.ErrClosed, http.StatusConflict},
	{call.ErrNotNow, http.StatusConflict},
	{call.ErrNotWaiting, http.StatusConflict},
	{call.ErrHeld, http.StatusConflict},
	{call.ErrNotHeld, http.StatusConflict},
	{call.ErrNoAnswerYet, http.StatusConflict},
	{call.ErrNoConsult, http.StatusConflict},
	{call.ErrNoRing, http.StatusConflict},
	{call.ErrRecording, http.StatusConflict},
	{call.ErrNoRecording, http.StatusConflict},
	{call.ErrNoRecorder, http.StatusServiceUnavailable},
	{call.ErrPaused, http.StatusConflict},
	{call.ErrNotPaused, http.StatusConflict},
	{call.ErrNoSlot, http.StatusConflict},
	{call.ErrNotThere, http.StatusNotFound},
	{call.ErrClaimed, http.StatusConflict},
	{call.ErrNotHisBox, http.StatusForbidden},
	{call.ErrLongNote, http.StatusBadRequest},
	{call.ErrCallbackOver, http.StatusConflict},
	{call.ErrCallbackTalks, http.StatusConflict},
	{call.ErrUnknownContact, http.StatusNotFound},
	{call.ErrNoEvaluation, http.StatusNotFound},
	{call.ErrForbidden, http.StatusForbidden},
	{call.ErrNotServed, http.StatusConflict},
	{call.ErrScale, http.StatusBadRequest},
	{call.ErrCategory, http.StatusBadRequest},
	{call.ErrSide, http.StatusBadRequest},
	{call.ErrBadValue, http.StatusBadRequest},
	{call.ErrNoRoom, http.StatusNotFound},
	{call.ErrNotInRoom, http.StatusNotFound},
	{call.ErrEmptyRoom, http.StatusConflict},
	{call.ErrRoomFull, http.StatusConflict},
	{call.ErrNotBlocked, http.StatusNotFound},
	{call.ErrBadBlock, http.StatusBadRequest},
	{call.ErrManyBlocks, http.StatusConflict},
	{call.ErrOwnPhone, http.StatusConflict},
	{call.ErrNoCode, http.StatusNotFound},
	{call.ErrNoNote, http.StatusBadRequest},
	{call.ErrNotHis, http.StatusForbidden},
	{call.ErrNoLast, http.StatusConflict},
	{call.ErrNoWrapUp, http.StatusConflict},
	{call.ErrBadExtend, http.StatusBadRequest},
	{store.ErrFull, http.StatusInsufficientStorage},
}

// asError gives err the form of the wire; what says what was tried.
func asError(what string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return &Error{http.StatusRequestEntityTooLarge, what,
			fmt.Sprintf("the body is larger than %d MB", big.Limit>>20), "fewer or shorter prompts in one file"}
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return &Error{s.status, what, err.Error(), ""}
		}
	}
	return &Error{http.StatusInternalServerError, what, err.Error(), "look into the log of hotline serve"}
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// fail answers with an error.
func fail(w http.ResponseWriter, e *Error) {
	reply(w, e.Status, errorBody{e})
}

// reply answers with one JSON document.
func reply(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // a view that can't be marshalled is our fault
		status, b = http.StatusInternalServerError, []byte(`{"error":{"what":"answer","why":"can't be written as JSON"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // a reader who is gone needs no answer
}

// notFound names what is not there and how to see what is.
func notFound(kind, id string) *Error {
	return &Error{http.StatusNotFound, fmt.Sprintf("%s %q", kind, id), "there is none of that id",
		fmt.Sprintf("hotline %s list", kind)}
}

// badRequest says what is wrong with a request.
func badRequest(what, why, try string) *Error {
	return &Error{http.StatusBadRequest, what, why, try}
}
