package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"time"

	"hotline/internal/callload"
	"hotline/media"
)

// allocRow is what a packet of a bridged and recorded call leaves to the garbage
// collector.
type allocRow struct {
	Calls     int     `json:"calls"`
	Packets   uint64  `json:"packets"`
	PerPacket float64 `json:"allocations_per_packet"`
}

// allocNoise is what reports, timers and the disk may leave, none of it by packet:
// less than one in a hundred.
const allocNoise = 0.01

// countAllocs runs a media engine on real sockets in this process and counts
// allocations, those of the load included.
func countAllocs(ctx context.Context, dir string) (allocRow, error) {
	const calls = 50
	row := allocRow{Calls: calls}
	e, err := media.New(media.Config{PortMin: 20000, PortMax: 29998})
	if err != nil {
		return row, err
	}
	ctx, end := context.WithCancel(ctx)
	ran := make(chan struct{})
	go func() { e.Run(ctx); close(ran) }() // ends with end, awaited below
	defer func() { end(); <-ran }()
	var ends [][2]netip.AddrPort
	for i := range calls {
		var pair [2]netip.AddrPort
		for side := range pair {
			leg := media.LegID(fmt.Sprint(i, side))
			local, err := e.Open(leg)
			if err != nil {
				return row, err
			}
			pair[side] = local.Addr
			e.Do(media.SetRemote{Leg: leg, Addr: netip.AddrPortFrom(local.Addr.Addr(), 9), Send: true, Receive: true})
			e.Do(media.Seat{Bridge: media.BridgeID(fmt.Sprint(i)), Leg: leg, Role: media.Role(side)})
		}
		e.Do(media.Record{ID: media.RecordingID(fmt.Sprint(i)), Path: filepath.Join(dir, fmt.Sprint(i, ".wav")),
			Left: media.LegID(fmt.Sprint(i, 0)), Right: media.LegID(fmt.Sprint(i, 1))})
		ends = append(ends, pair)
	}
	l, err := callload.New(callload.Config{})
	if err != nil {
		return row, err
	}
	defer l.Close()
	const warm, window = 3 * time.Second, 2 * time.Second // buffers of recordings go round after a second
	failed := make(chan error, 1)
	go func() { // ends with its plan
		_, err := l.Relayed(ctx, callload.Plan{Warm: warm, Window: window}, ends)
		failed <- err
	}()
	pause(ctx, warm)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	packets := e.Stats().PacketsIn.Load()
	pause(ctx, window)
	runtime.ReadMemStats(&after)
	row.Packets = e.Stats().PacketsIn.Load() - packets
	row.PerPacket = float64(after.Mallocs-before.Mallocs) / float64(max(row.Packets, 1))
	if err := <-failed; err != nil {
		return row, err
	}
	if row.Packets == 0 {
		return row, fmt.Errorf("no packet came")
	}
	return row, nil
}
