package call

import (
	"reflect"
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/media"
)

// metered is a media plane that counts.
type metered interface{ Stats() *media.Stats }

// mediaStats are the counters of the media plane, those of another process as
// they were a second ago; all are 0 for a plane without.
func (e *Engine) mediaStats() *media.Stats {
	if m, ok := e.media.(metered); ok {
		return m.Stats()
	}
	return new(media.Stats)
}

// mediaHelp says what the media plane's counters are, by the names of the fields
// of media.Stats.
var mediaHelp = map[string]string{
	"Legs":          "Legs open.",
	"Bridges":       "Bridges with somebody in them.",
	"Recordings":    "Recordings being written.",
	"PacketsIn":     "RTP packets accepted from peers.",
	"PacketsOut":    "RTP packets sent.",
	"Lost":          "RTP packets of ended legs that never arrived.",
	"Late":          "RTP packets that arrived behind a younger one.",
	"Duplicates":    "RTP packets that arrived twice.",
	"Malformed":     "Datagrams that are no valid RTP; dropped.",
	"UnknownPT":     "RTP packets of a payload type or an event nobody negotiated; dropped.",
	"Strangers":     "Datagrams from a source that is not the peer; dropped.",
	"Unheard":       "RTP packets dropped because the peer was not to send.",
	"RTCP":          "RTCP packets of peers taken in.",
	"RTCPOut":       "RTCP packets sent.",
	"RTCPBad":       "RTCP that is malformed, too much or says nonsense.",
	"RTCPByes":      "RTCP goodbyes of peers, which end nothing.",
	"RTCPStrangers": "RTCP from a source that is not the peer.",
	"SRTPBad":       "Secured packets with a wrong key or tag, or that came before.",
	"SRTPErrors":    "Legs whose keys are of no use.",
	"QueueDrops":    "Datagrams dropped before they were read.",
	"SendErrors":    "Packets the system did not take.",
	"LateTicks":     "Clock ticks more than 20 ms late.",
	"Latched":       "Sources accepted for the first time.",
	"Relatched":     "Sources replaced by another one.",
	"SSRCs":         "Changes of a peer's SSRC.",
	"Digits":        "Key presses heard.",
	"DigitsSent":    "Key presses made.",
	"MixFrames":     "Frames of 20 ms mixed for a hearer.",
	"MixUnderruns":  "Frames of a source concealed, in part or whole.",
	"MixLate":       "Packets that came too late for the mix.",
	"Moves":         "Legs that went to another shard.",
	"UnknownIDs":    "Commands for legs, bridges, recordings not known.",
	"UnknownClips":  "Clips asked for and never added.",
	"PortsBusy":     "Ports of our range that somebody else holds.",
	"NoPorts":       "Legs refused for want of a port.",
	"RecordBytes":   "Bytes of audio handed to the disk.",
	"RecordDrops":   "Bytes of audio replaced by silence: the disk was too slow.",
	"RecordErrors":  "Recordings that ended with an error.",
	"PeakErrors":    "Outlines of recordings that could not be written.",
	"Panics":        "Panics caught at a packet or command; each ended its own leg.",
}

// mediaMetrics registers each counter of the media plane as hotline_media_<name>.
func (m *metrics) mediaMetrics(e *Engine) {
	m.counters("media", mediaHelp, reflect.TypeFor[media.Stats](), func() any { return e.mediaStats() })
}

// counters registers each field of a struct of atomics as hotline_<plane>_<name>.
func (m *metrics) counters(plane string, helps map[string]string, t reflect.Type, stats func() any) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		help := helps[f.Name]
		if help == "" {
			help = "Field " + f.Name + " of the " + plane + " plane's counters."
		}
		field := func() any { return reflect.ValueOf(stats()).Elem().Field(i).Addr().Interface() }
		name := "hotline_" + plane + "_" + snake(f.Name)
		switch f.Type {
		case reflect.TypeFor[atomic.Int64]():
			m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
				func() float64 { return float64(field().(*atomic.Int64).Load()) }))
		case reflect.TypeFor[atomic.Uint64]():
			m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name + "_total", Help: help},
				func() float64 { return float64(field().(*atomic.Uint64).Load()) }))
		}
	}
}

// snake writes PacketsIn as packets_in, RTCPOut as rtcp_out and SSRCs as ssrcs.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		word := i > 0 && unicode.IsUpper(r) &&
			(unicode.IsLower(runes[i-1]) || i+2 < len(runes) && unicode.IsLower(runes[i+1]))
		if word {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// MediaView is the media plane at a glance: what runs, and what went wrong since
// its process began.
type MediaView struct {
	Legs       int64  `json:"legs"`
	Bridges    int64  `json:"bridges"`
	Recordings int64  `json:"recordings"`
	PacketsIn  uint64 `json:"packets_in"`
	PacketsOut uint64 `json:"packets_out"`
	Lost       uint64 `json:"lost"` // of legs that ended
	Late       uint64 `json:"late"`
	Malformed  uint64 `json:"malformed"`
	Strangers  uint64 `json:"strangers"` // datagrams of third addresses; dropped
	Concealed  uint64 `json:"concealed"` // frames of 20 ms made up in mixes
	NoPorts    uint64 `json:"no_ports"`  // legs refused for want of a port
	Unrecorded uint64 `json:"unrecorded_bytes"`
	Silences   uint64 `json:"silences"` // legs in talk that sent nothing for 5 s
}

func (e *Engine) mediaView() MediaView {
	st := e.mediaStats()
	return MediaView{Legs: st.Legs.Load(), Bridges: st.Bridges.Load(), Recordings: st.Recordings.Load(),
		PacketsIn: st.PacketsIn.Load(), PacketsOut: st.PacketsOut.Load(), Lost: st.Lost.Load(), Late: st.Late.Load(),
		Malformed: st.Malformed.Load(), Strangers: st.Strangers.Load(), Concealed: st.MixUnderruns.Load(),
		NoPorts: st.NoPorts.Load(), Unrecorded: st.RecordDrops.Load(), Silences: e.stats.Silences.Load()}
}
