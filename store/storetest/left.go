package storetest

import (
	"errors"
	"testing"
	"time"

	"hotline/store"
)

// left are a caller's message and his place in a queue.
func left(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	message := store.Voicemail{ID: "b", Box: "sales", Call: "c1", Caller: "+100", At: at(1), Length: store.Duration(3 * time.Second)}
	place := store.Callback{ID: "b", Queue: "sales", Number: "+100", Caller: "+200", Call: "c2", Since: at(1), Asked: at(9),
		Needs: map[string]int{"x": 2}, State: store.CallbackWaiting}
	must(t, s.PutVoicemail(message))
	must(t, s.PutVoicemail(store.Voicemail{ID: "a", Box: "other", At: at(0)}))
	must(t, s.PutCallback(place))
	must(t, s.PutCallback(store.Callback{ID: "a", Queue: "other", Since: at(0)}))
	message.Claimed, message.Since, message.Heard, message.Note = "1001", at(5), at(4), "calls back"
	must(t, s.PutVoicemail(message))
	place.State, place.Tries, place.Next = store.CallbackPaused, []store.CallbackTry{{Call: "c3", Agent: "1001", At: at(20), Result: "busy"}}, at(99)
	must(t, s.PutCallback(place))
	must(t, s.PutRecording(store.Recording{ID: "r1", Began: at(1)}))
	must(t, s.PutRecording(store.Recording{ID: "r2", Began: at(2)}))
	must(t, s.DeleteRecording("r1"))
	must(t, s.DeleteRecording("r1"))
	for range 2 {
		same(t, "a message", read(t, func() (store.Voicemail, error) { return s.Voicemail("b") }), message)
		same(t, "a callback", read(t, func() (store.Callback, error) { return s.Callback("b") }), place)
		same(t, "messages by id", ids(collect(t, s.Voicemails), func(v store.Voicemail) string { return v.ID }), "ab")
		same(t, "callbacks by id", ids(collect(t, s.Callbacks), func(c store.Callback) string { return c.ID }), "ab")
		list := collect(t, func(f func(store.Recording) bool) error { return s.Recordings(store.Filter{}, f) })
		same(t, "recordings", ids(list, func(r store.Recording) string { return r.ID }), "r2")
		s = next(s)
	}
	must(t, s.DeleteVoicemail("a"))
	must(t, s.DeleteVoicemail("a"))
	must(t, s.DeleteCallback("a"))
	s = next(s)
	if _, err := s.Voicemail("a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted message: got %v, want not found", err)
	}
	if _, err := s.Callback("a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted callback: got %v, want not found", err)
	}
	if _, err := s.Recording("r1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted recording: got %v, want not found", err)
	}
}

// ids joins the ids of records.
func ids[T any](list []T, id func(T) string) string {
	out := ""
	for _, v := range list {
		out += id(v)
	}
	return out
}
