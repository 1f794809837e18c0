package media

import "time"

// Quality is estimated by the E-model of ITU-T G.107 with its default values,
// reduced to what is known of a G.711 stream: loss and delay.
//
//	R   = 93.2 - Id - Ie
//	Id  = 0.024 d + 0.11 (d - 177.3) [only where d > 177.3]
//	Ie  = 95 P / (P + 25.1)
//	MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6, within 1 and 4.5
//
// d is the delay one way in ms: half the round trip, one packet of 20 ms, and a
// jitter buffer of twice the jitter but 20 ms at least. P is the loss in per
// cent, of the worse direction. Id is the approximation of Cole and Rosenbluth
// to G.107's curve, 25.1 the loss robustness of G.711 with concealment by
// Appendix I (ITU-T G.113, appendix I).

// qualityWindow is the time over which the worst moment of a call is looked for.
const qualityWindow = 10 * time.Second

// qualityLeast is how many packets a window must have for its loss to mean
// something: of three packets at the end of a call, one lost is no third of it.
const qualityLeast = 100

// rFactor gives R for a loss of 0 to 1 and a delay one way.
func rFactor(loss float64, delay time.Duration) float64 {
	d := float64(delay) / float64(time.Millisecond)
	r := 93.2 - 0.024*d
	if d > 177.3 {
		r -= 0.11 * (d - 177.3)
	}
	p := 100 * min(max(loss, 0), 1)
	return min(max(r-95*p/(p+25.1), 0), 100)
}

// mosOf turns R into a mean opinion score (G.107, annex B).
func mosOf(r float64) float64 {
	if r <= 0 {
		return 1
	}
	return min(max(1+0.035*r+r*(r-60)*(100-r)*7e-6, 1), 4.5)
}

// oneWay estimates the delay from mouth to ear.
func oneWay(rtt, jitter time.Duration) time.Duration {
	return rtt/2 + frameTime + max(frameTime, 2*jitter)
}

// quality looks for the worst ten seconds of a leg.
type quality struct {
	at       time.Duration // end of the window; 0 before the first
	expected uint64        // of the peer's packets, at the window's begin
	received uint64
	far      float64 // greatest loss reported in the window
	told     bool    // there was such a report
	worst    float64 // least MOS; 0 none
}

func (q *quality) reported(loss float64) { q.far, q.told = max(q.far, loss), true }

// judge ends the window when it is over; one in which nothing was heard or told
// is no bad one but none.
func (q *quality) judge(l *leg, now time.Duration) {
	if now < q.at {
		return
	}
	if q.at > 0 {
		q.window(l)
	}
	q.at = now + qualityWindow
	q.expected, q.received = l.rx.expected, l.rx.received
	q.far, q.told = 0, false
}

func (q *quality) window(l *leg) {
	expected, received := l.rx.expected-q.expected, l.rx.received-q.received
	loss := q.far
	switch {
	case received > 0 && expected >= qualityLeast:
		loss = max(loss, share(expected, received))
	case !q.told:
		return
	}
	mos := mosOf(rFactor(loss, oneWay(l.control.far.rtt, max(l.rx.jitterTime(), l.control.far.jitter))))
	if q.worst == 0 || mos < q.worst {
		q.worst = mos
	}
}

// share is the part of the expected packets that did not come.
func share(expected, received uint64) float64 {
	if expected <= received {
		return 0
	}
	return float64(expected-received) / float64(expected)
}

// rate puts the estimate for the whole life of a leg into its figures; they stay
// 0 where nothing was heard.
func (l *leg) rate(st *LegStats) {
	f := &l.control.far
	st.RemoteLost, st.RemoteJitter, st.RTT = f.lost, f.jitter, f.meanRTT()
	if l.in == 0 && f.reports == 0 {
		return
	}
	loss := share(l.rx.expected, l.rx.received)
	if f.reports > 0 && l.out > 0 {
		loss = max(loss, min(float64(f.lost)/float64(l.out), 1))
	}
	st.RFactor = rFactor(loss, oneWay(st.RTT, max(st.Jitter, f.jitter)))
	st.MOS = mosOf(st.RFactor)
	q := l.quality
	if q.at > 0 {
		q.window(l)
	}
	st.WorstMOS = q.worst
	if st.WorstMOS == 0 {
		st.WorstMOS = st.MOS
	}
}
