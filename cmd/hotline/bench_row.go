package main

import (
	"cmp"
	"fmt"
	"slices"

	"hotline/internal/callload"
)

// benchRow is one line of the result: medians of all rounds.
type benchRow struct {
	Name    string  `json:"name"`
	What    string  `json:"what"`
	Size    int     `json:"size"`               // calls asked for
	Unit    string  `json:"unit"`               // of which Cost is the CPU time
	Cost    float64 `json:"cost"`               // CPU-ms of the server for each
	Control float64 `json:"control,omitempty"`  // of that, what the control process used
	Ratio   float64 `json:"ratio,omitempty"`    // to the relay of the same round
	P99     float64 `json:"p99_ms,omitempty"`   // of the delay
	Added   float64 `json:"added_ms"`           // P99 against that of the relay in the same round
	PerCall int64   `json:"per_call,omitempty"` // bytes of memory for each standing call; 0: not to be told, NoMemory says why

	NoMemory string `json:"no_memory,omitempty"`

	Result callload.Result `json:"result"` // of the round with the median cost; losses of all rounds
}

// cost is the CPU time for each unit, in ms.
func (k benchKind) cost(r callload.Result) float64 { return k.share(r.CPU, r) }

// perSecond is how many packets each end of a call sends in a second.
const perSecond = 50

// share divides CPU-ms by the units of a measurement. Seconds of calls are counted
// by the packets really sent: a load that falls behind makes no call cheaper.
func (k benchKind) share(cpu float64, r callload.Result) float64 {
	if k.crowd {
		return cpu / max(r.Seconds, 1e-3)
	}
	if k.silent {
		return cpu / float64(max(r.Calls, 1))
	}
	ends := 2
	if k.parties > 0 {
		ends = 1
	}
	return cpu * float64(ends*perSecond) / float64(max(r.Said, 1))
}

// row takes the medians; relay holds the relay's results of the same rounds.
func (k benchKind) row(size int, all, relay []callload.Result) benchRow {
	row := benchRow{Name: k.name, What: k.what, Size: size, Unit: k.unit}
	row.P99 = median(all, func(_ int, r callload.Result) float64 { return r.DelayP99 })
	if len(relay) == len(all) && !k.silent && !k.crowd {
		plain := benchKinds[0]
		row.Ratio = median(all, func(i int, r callload.Result) float64 { return k.cost(r) / max(plain.cost(relay[i]), 1e-6) })
		row.Added = median(all, func(i int, r callload.Result) float64 { return r.DelayP99 - relay[i].DelayP99 })
	}
	row.PerCall, row.NoMemory = k.memory(all)
	var sum callload.Result
	var room *callload.Room
	for _, x := range all {
		sum.Said += x.Said
		sum.Sent += x.Sent
		sum.Lost += x.Lost
		sum.Misrouted += x.Misrouted
		sum.Twice += x.Twice
		sum.Failed += x.Failed
		sum.Dropped += x.Dropped
		room = sumRooms(room, x.Room)
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(x, y callload.Result) int { return cmp.Compare(k.cost(x), k.cost(y)) })
	r := all[len(all)/2]
	row.Cost = k.cost(r)
	if k.number != "" && r.CPUOwn < r.CPU {
		row.Control = k.share(r.CPUOwn, r)
	}
	r.Said, r.Sent, r.Lost, r.Misrouted, r.Twice, r.Failed, r.Dropped = sum.Said, sum.Sent, sum.Lost, sum.Misrouted, sum.Twice, sum.Failed, sum.Dropped
	r.Room = room
	row.Result = r
	return row
}

// sumRooms adds what was heard in a further round.
func sumRooms(sum, x *callload.Room) *callload.Room {
	if sum == nil || x == nil {
		return x
	}
	return &callload.Room{Parties: min(sum.Parties, x.Parties), Spans: sum.Spans + x.Spans, Unheard: sum.Unheard + x.Unheard,
		Echo: sum.Echo + x.Echo, Packets: sum.Packets + x.Packets, Lost: sum.Lost + x.Lost, Pause: max(sum.Pause, x.Pause)}
}

// memory is what the process grew by for each standing call, or why that cannot be told.
func (k benchKind) memory(all []callload.Result) (perCall int64, why string) {
	switch {
	case k.number == "":
		return 0, "the relay opens all its sockets at its start"
	case k.silent:
		return 0, "its calls do not stand"
	case k.crowd:
		return 0, "calls and parties differ"
	}
	perCall = int64(median(all, func(_ int, r callload.Result) float64 {
		return float64(r.RSSBusy-r.RSSIdle) / float64(max(r.Calls, 1))
	}))
	if perCall <= 0 {
		return 0, "the process did not grow: the calls live in what its start had left"
	}
	return perCall, ""
}

// median of what f says of each round.
func median(all []callload.Result, f func(i int, r callload.Result) float64) float64 {
	var v []float64
	for i, r := range all {
		v = append(v, f(i, r))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// printBench prints the table.
func (a *app) printBench(rows []benchRow, decisions []decisionRow) error {
	g := grid{head: []string{"WHAT", "CPU-MS PER", "", "CONTROL", "RATIO", "KB/CALL", "CALLS", "FAILED", "PACKETS", "LOST", "MISROUTED", "DELAY P50/P99", "SET-UP P50/P99"}}
	for _, r := range rows {
		x := r.Result
		cells := []string{r.What, r.Unit, fmt.Sprintf("%.2f", r.Cost), "", "", "", fmt.Sprint(x.Calls), fmt.Sprint(x.Failed), "", "", "", "", ""}
		if r.Control > 0 {
			cells[3] = fmt.Sprintf("%.2f", r.Control)
		}
		if r.Ratio > 0 {
			cells[4] = fmt.Sprintf("%.2f", r.Ratio)
		}
		if r.NoMemory == "" {
			cells[5] = fmt.Sprint((r.PerCall + 1023) >> 10)
		}
		if x.Sent > 0 {
			cells[8], cells[9], cells[10] = fmt.Sprint(x.Sent), fmt.Sprint(x.Lost), fmt.Sprint(x.Misrouted)
			cells[11] = fmt.Sprintf("%.1f/%.1f ms", x.DelayP50, r.P99)
		}
		if x.SetupP50 > 0 {
			cells[12] = fmt.Sprintf("%.1f/%.1f ms", x.SetupP50, x.SetupP99)
		}
		g.add(cells...)
	}
	if len(rows) > 0 {
		if err := a.print(g); err != nil {
			return err
		}
	}
	for i, r := range rows {
		if i == 0 {
			fmt.Fprintln(a.out)
		}
		if r.NoMemory != "" {
			fmt.Fprintf(a.out, "%s at %d: no KB/CALL: %s\n", r.Name, r.Size, r.NoMemory)
		}
		if r.Result.Failed > 0 {
			fmt.Fprintf(a.out, "%s: failed: %v\n", r.Name, r.Result.Why)
		}
		if x := r.Result.Room; x != nil {
			fmt.Fprintf(a.out, "%s: conference of %d, all speaking: %d packets to them, %d lost, longest pause %.0f ms; of %d tenths of seconds of another's voice %d unheard; %d of their own heard\n",
				r.Name, x.Parties, x.Packets, x.Lost, x.Pause, x.Spans, x.Unheard, x.Echo)
		}
		if r.Result.Dropped > 0 {
			fmt.Fprintf(a.out, "%s: %d datagrams met a full socket buffer somewhere on this machine\n", r.Name, r.Result.Dropped)
		}
	}
	for _, d := range decisions {
		fmt.Fprintf(a.out, "acd: %d agents: %.0f decisions/s, p99 %.3f ms\n", d.Agents, d.PerSecond, d.P99)
	}
	return nil
}
