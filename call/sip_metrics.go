package call

import (
	"reflect"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/sip"
)

// sipHelp says what the SIP plane's counters are, by the names of the fields of
// sip.Stats.
var sipHelp = map[string]string{
	"Received":      "Messages read and understood.",
	"Sent":          "Messages written, repeats included.",
	"Resent":        "Repeats by our timers.",
	"Junk":          "Datagrams that are no SIP message; dropped.",
	"Malformed":     "Messages with broken grammar.",
	"Limited":       "Requests dropped because their source sent too many.",
	"Overloaded":    "Requests answered 503 because a worker was behind.",
	"Unmatched":     "Responses and ACKs that belong to nothing we know.",
	"Challenged":    "Requests answered 401.",
	"Denied":        "Wrong credentials.",
	"Bans":          "Addresses banned for failed log-ins.",
	"Banned":        "Requests dropped because their address is banned.",
	"SendErrors":    "Messages that no transport took.",
	"ConnsRefused":  "TCP connections over a limit.",
	"ConnsTimedOut": "TCP connections closed for silence or slowness.",
	"TLSFailed":     "TLS handshakes that failed, ours and others'.",
	"AcceptErrors":  "Failed accepts, such as too many open files.",
	"Panics":        "Handlers that panicked; each ended one dialog.",
	"NoAck":         "Calls ended because our 200 was never acknowledged.",
	"LateAnswers":   "2xx that came after our CANCEL or from another fork.",
	"Loops":         "Requests of ours that came back.",
	"Conns":         "TCP connections open.",
	"Dialogs":       "Dialogs in memory, ended ones for 32 s.",
	"Transactions":  "Transactions in memory.",
}

// sipMetrics registers each counter of the SIP plane as hotline_sip_<name>.
func (m *metrics) sipMetrics(e *Engine) {
	m.counters("sip", sipHelp, reflect.TypeFor[sip.Stats](), func() any { return e.sip.Stats() })
}

// trunkCollector tells the state of trunks when it is asked, so that one that was
// deleted is told no more.
type trunkCollector struct{ e *Engine }

var (
	trunkUp         = prometheus.NewDesc("hotline_trunk_up", "1 if a peer of a trunk is up.", []string{"trunk", "peer"}, nil)
	trunkLatency    = prometheus.NewDesc("hotline_trunk_latency_seconds", "Time that a peer took for its last answer to OPTIONS.", []string{"trunk", "peer"}, nil)
	trunkRegistered = prometheus.NewDesc("hotline_trunk_registered", "1 if a trunk that registers is registered.", []string{"trunk"}, nil)
)

// Describe is a [prometheus.Collector]'s.
func (t trunkCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- trunkUp
	ch <- trunkLatency
	ch <- trunkRegistered
}

// Collect is a [prometheus.Collector]'s.
func (t trunkCollector) Collect(ch chan<- prometheus.Metric) {
	yes := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, v := range t.e.Trunks() {
		if v.Registers {
			gauge(trunkRegistered, yes(v.Registered), v.ID)
		}
		for i, p := range v.States {
			if i > 0 && hasPeer(v.States[:i], p.URI) {
				continue // the registry wants each once
			}
			gauge(trunkUp, yes(p.Up), v.ID, p.URI)
			if p.Latency > 0 {
				gauge(trunkLatency, p.Latency.Seconds(), v.ID, p.URI)
			}
		}
	}
}

func hasPeer(list []PeerView, uri string) bool {
	for _, p := range list {
		if p.URI == uri {
			return true
		}
	}
	return false
}
