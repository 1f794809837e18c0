package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

// Supervise and Unsupervise make engine one with a call c1 and a supervisor 9001.
func (e engine) Supervise(ref, supervisor, mode, actor string) (call.SupervisionView, error) {
	if supervisor != "9001" {
		return call.SupervisionView{}, fmt.Errorf("agent %s: %w", supervisor, call.ErrNotSupervisor)
	}
	v := call.SupervisionView{Call: "c1", Supervisor: supervisor, Mode: mode, State: "ringing"}
	if mode != "listen" {
		v.State = "seated"
	}
	return v, nil
}

func (e engine) Unsupervise(ref, supervisor, actor string) error {
	if ref != "c1" {
		return call.ErrNotThere
	}
	return nil
}

func (e engine) Mask(ref string, on bool, actor string) (call.CallView, error) {
	if ref != "1001" {
		return call.CallView{}, fmt.Errorf("call %s: %w", ref, call.ErrNoTalk)
	}
	return call.CallView{ID: "c1", Masked: on}, nil
}

func TestKeysAreMaskedByCommand(t *testing.T) {
	dir, _ := process(t)
	for _, c := range []struct {
		args      string
		code      int
		out, errs string
	}{
		{"call mask 1001 on", 0, "c1: keys of the caller are masked\n", ""},
		{"call mask 1001 off", 0, "c1: keys of the caller are heard and recorded\n", ""},
		{"call mask 1001 on -o json", 0, `"masked":true`, ""},
		{"call mask 1002 on", 1, "", "call 1002: is not in talk"},
		{"call mask 1001 maybe", 2, "", `neither on nor off; try: hotline call mask 1001 on`},
	} {
		code, out, errs := hotline(t, append(strings.Fields(c.args), "--data", dir)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: got %d %q %q, want %d %q %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
}

func TestSupervisorsListenWhisperAndJoinByCommand(t *testing.T) {
	dir, _ := process(t)
	for _, c := range []struct {
		args      string
		code      int
		out, errs string
	}{
		{"listen 1001 --as 9001", 0, "9001 listens to call c1 as soon as the phone is answered\n", ""},
		{"whisper 1001 --as 9001", 0, "9001 whispers into call c1\n", ""},
		{"barge 1001 --as 9001 -o json", 0, `"supervisor":"9001","mode":"barge","state":"seated"`, ""},
		{"listen c1 --as 9001 --end", 0, "9001: leaves\n", ""},
		{"listen c2 --as 9001 --end", 1, "", "does not sit in this call"},
		{"listen c1 --as 1001", 1, "", "not a supervisor"},
		{"listen c1", 2, "", "hotline: listen: which supervisor?; try: hotline listen c1 --as 9001"},
		{"listen", 2, "", "wants 1"},
	} {
		code, out, errs := hotline(t, append(strings.Fields(c.args), "--data", dir)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: got %d %q %q, want %d %q %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
}

func TestTheAuditLogIsListed(t *testing.T) {
	dir, s := process(t)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)
	for i, act := range []string{"supervise", "supervise end"} {
		a := store.Audit{ID: fmt.Sprint("a", i), At: at.Add(time.Duration(i) * time.Minute), Actor: "cli:root", Act: act, Agent: "9001",
			Call: "c1", With: []string{"1001", "+49\x1b[2J"}, Mode: "listen", Stage: "talk"}
		if i == 1 {
			a.Text, a.Actor = "hung up", "agent:9001"
		}
		if err := s.PutAudit(a); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := hotline(t, "audit", "list", "--data", dir)
	want := `AT                   SUPERVISOR  ACT            MODE    CALL  WITH          STAGE  BY          WHY
2026-03-04 05:07:07  9001        supervise end  listen  c1    1001 +49?[2J  talk   agent:9001  hung up
2026-03-04 05:06:07  9001        supervise      listen  c1    1001 +49?[2J  talk   cli:root    -
`
	if code != 0 || out != want || errs != "" {
		t.Errorf("got %d\n%s%s\nwant\n%s", code, out, errs, want)
	}
	if code, out, _ := hotline(t, "audit", "list", "--data", dir, "-o", "json", "--agent", "1001", "--limit", "1"); code != 0 || strings.Count(out, "\n") != 1 || !strings.Contains(out, `"id":"a1"`) {
		t.Errorf("got %d %s", code, out)
	}
	if code, out, _ := hotline(t, "audit", "list", "--data", dir, "-o", "json", "--agent", "1002"); code != 0 || out != "" {
		t.Errorf("got %d %s, want nothing", code, out)
	}
}
