package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"hotline/store"
)

// desk runs the center of testdata/phones/desk.yaml with somebody
// outside at a port of his own.
func desk(t *testing.T) (h *hotline, outside int) {
	t.Helper()
	outside = freePort(t)
	return center(t, "testdata/phones/desk.yaml", "@PORT@", fmt.Sprint(outside)), outside
}

func TestABaresipCallerHangsUpAndIsCalledBackByABaresipAgent(t *testing.T) {
	t.Parallel()
	h, port := desk(t)
	customer := h.outside("4930", port, 880, "")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	h.cli("agent", "state", "1001", "not-ready", "--reason", "lunch")

	customer.do("dial sip:4001@hotline")
	h.stage("wait")
	customer.sees("CALL_ESTABLISHED", 1)
	hears(t, "the customer", customer.heard, "callback-offer")
	customer.press("1")
	hears(t, "the customer", customer.heard, "callback-number")
	customer.press("1")
	hears(t, "the customer", customer.heard, "callback-done")
	customer.sees("CALL_CLOSED", 1)
	if list := list[store.Callback](h, "callback", "list"); len(list) != 1 || list[0].Number != "4930" || list[0].State != store.CallbackWaiting {
		t.Fatalf("got callbacks %+v, want one that waits", list)
	}

	h.cli("agent", "state", "1001", "ready")
	ann.sees("CALL_ESTABLISHED", 1) // rung first, and told what it is about
	hears(t, "the agent", ann.heard, "callback-agent")
	customer.sees("CALL_ESTABLISHED", 2)
	hearsTone(t, "the customer", customer.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	h.agentState("1001", "talking")
	customer.do("hangup")
	ann.sees("CALL_CLOSED", 1)

	cdrs := h.cdrs(2)
	h.wantTrace(cdrs[0], "callback; offer: answered; call customer; talk; end: caller hung up")
	h.wantRecording(cdrs[0], 880, 440)
	if !strings.HasPrefix(cdrs[1].Trace, "wait sales; callback to 4930;") {
		t.Errorf("the first call went %s", cdrs[1].Trace)
	}
	all := list[store.Callback](h, "callback", "list", "--all")
	if len(all) != 1 || all[0].State != store.CallbackDone || len(all[0].Tries) != 1 || all[0].Tries[0].Agent != "1001" {
		t.Errorf("got callbacks %+v, want one that is done by 1001 at the first try", all)
	}
}
