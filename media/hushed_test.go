package media

import (
	"path/filepath"
	"testing"
	"time"

	"hotline/internal/simnet"
)

func TestASpeakerWhoFallsSilentIsToldOnceWhetherHeSendsSilenceOrNothing(t *testing.T) {
	for name, after := range map[string]func(a *peer){
		"noise of the line": func(a *peer) { a.talk(4*time.Second, sine(300, 0.005)) },
		"nothing":           func(*peer) { time.Sleep(4 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.wav")
			simulatedOn(t, simnet.Options{}, Config{}, func(r *rig) {
				a := r.leg("a")
				r.e.Do(Record{ID: "r", Path: path, Left: "a", Quiet: 2 * time.Second})
				a.talk(3*time.Second, sine(300, 0.5))
				if list := told[Hushed](r); len(list) != 0 {
					t.Errorf("while he talks: got %v, want nothing", list)
				}
				after(a)
				if list := told[Hushed](r); len(list) != 1 || list[0] != (Hushed{ID: "r", Leg: "a"}) {
					t.Errorf("after his words: got %v, want one", list)
				}
				r.e.Do(Finish{ID: "r"})
				r.stop()
			})
		})
	}
}
