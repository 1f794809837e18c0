package main

import (
	"fmt"
	"time"

	"hotline/media"
)

// target is one line of what calls may cost.
type target struct {
	what   string
	row    string // of benchKinds
	value  func(r benchRow) float64
	few    float64 // most at few calls
	many   float64 // most at more; 0: nothing is aimed at
	format string
	floor  bool // means nothing unless the relay is the C one
}

var benchTargets = []target{
	{"bridged, CPU-ms per call-second", "bridged", func(r benchRow) float64 { return r.Cost }, 0.90, 0.65, "%.2f", false},
	{"recorded, CPU-ms per call-second", "recorded", func(r benchRow) float64 { return r.Cost }, 1.15, 0.80, "%.2f", false},
	{"bridged, ratio to the C relay", "bridged", func(r benchRow) float64 { return r.Ratio }, 1.5, 1.2, "%.2f", true},
	{"recorded, KB of memory per call", "recorded", func(r benchRow) float64 { return float64(r.PerCall) / 1024 }, 64, 64, "%.1f", false},
	{"bridged, p99 of delay above the C relay's, ms", "bridged", func(r benchRow) float64 { return r.Added }, 1, 1, "%+.1f", true},
	{"recorded, p99 of delay above the C relay's, ms", "recorded", func(r benchRow) float64 { return r.Added }, 1, 1, "%+.1f", true},
	{"mixed, CPU-ms per party-second", "mixed", func(r benchRow) float64 { return r.Cost }, 0.5, 0, "%.2f", false},
	{"p99 of delay while control burns, ms", "busy", func(r benchRow) float64 { return r.P99 }, 10, 0, "%.1f", false},
}

// crowdPause is the longest pause between two packets to a party of a conference,
// in ms: 20 and the 40 that nobody hears.
const crowdPause = 60

// fewCalls is the size up to which the limits for few calls hold.
const fewCalls = 250

// printTargets says what was aimed at and whether it was reached, in words alone.
func (a *app) printTargets(rows []benchRow, allocs *allocRow, skew *skewRow, floor bool) error {
	g := grid{head: []string{"AIM", "CALLS", "MEASURED", "AT MOST", ""}}
	for _, t := range benchTargets {
		for _, r := range rows {
			most := t.few
			if r.Size > fewCalls {
				most = t.many
			}
			if r.Name != t.row || most == 0 {
				continue
			}
			if t.floor && (!floor || r.Ratio == 0) {
				g.add(t.what, fmt.Sprint(r.Size), "", fmt.Sprintf("%.2f", most), "not measured: no relay in C beside it")
				continue
			}
			g.add(t.what, fmt.Sprint(r.Size), fmt.Sprintf(t.format, t.value(r)), fmt.Sprintf("%.2f", most), verdict(t.value(r) <= most))
		}
	}
	for _, r := range rows {
		if x := r.Result.Room; x != nil {
			what := fmt.Sprintf("%d in one conference beside calls: ", x.Parties)
			bad := uint64(r.Result.Failed) + r.Result.Lost + r.Result.Misrouted + r.Result.Twice + x.Lost + x.Unheard + x.Echo
			g.add(what+"failed, lost, misrouted, unheard", fmt.Sprint(r.Size), fmt.Sprint(bad), "0", verdict(bad == 0))
			g.add(what+"longest pause to a party, ms", fmt.Sprint(r.Size), fmt.Sprintf("%.0f", x.Pause), fmt.Sprint(crowdPause), verdict(x.Pause <= crowdPause))
		}
	}
	if allocs != nil {
		g.add("allocations per packet, bridged and recorded", fmt.Sprint(allocs.Calls), fmt.Sprintf("%.3f", allocs.PerPacket), "0", verdict(allocs.PerPacket < allocNoise))
	}
	if skew != nil {
		g.add(fmt.Sprintf("skew of a recording's channels after %g h, ms (clocks %d ppm off)", skew.Hours, skewPPM), "1", fmt.Sprintf("%.1f", skew.Worst), "20", verdict(skew.Worst <= 20))
	}
	if len(g.rows) == 0 {
		return nil
	}
	fmt.Fprintln(a.out)
	return a.print(g)
}

func verdict(ok bool) string {
	if ok {
		return "reached"
	}
	return "missed"
}

// skewPPM is how much too fast one speaker's clock runs and too slow the other's.
const skewPPM = 200

// skewRow is how far the two channels of a recording part.
type skewRow struct {
	Hours float64 `json:"hours"`
	PPM   float64 `json:"ppm"`
	Worst float64 `json:"skew_ms"`
}

// hourOfTalk measures it in virtual time.
func hourOfTalk() *skewRow {
	worst := media.ChannelSkew(time.Hour, skewPPM)
	return &skewRow{Hours: 1, PPM: skewPPM, Worst: float64(worst) / float64(time.Millisecond)}
}
