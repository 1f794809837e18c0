package call

import (
	"context"

	"hotline/media"
)

// Plane is the media plane as calls use it: a media.Engine in this process, or
// one behind a socket.
type Plane interface {
	// Open makes a leg. It is called on SIP workers and by calls, and may wait
	// for another process for a bounded time. It fails with media.ErrNoPorts.
	Open(media.LegID) (media.Local, error)
	AddClip(id media.ClipID, ulaw []byte) // never blocks; without audio the clip is forgotten
	Do(media.Command)                     // never blocks
	Run(context.Context)                  // returns when its last event was told
}

// NewPlane makes a plane that tells its events to a function which never blocks.
type NewPlane func(events func(media.Event)) (Plane, error)

// survivor is a plane that may have outlived the process that commanded it. Left
// is what it ran when we found it, and still runs.
type survivor interface{ Left() media.State }

// newPlane makes the plane; it is told what runs in it.
func (e *Engine) newPlane(cfg Config) error {
	if cfg.Plane == nil {
		cfg.Media.Events, cfg.Media.Log = e.onMedia, cfg.Log
		engine, err := media.New(cfg.Media)
		if err != nil {
			return err
		}
		e.media = engine
		return nil
	}
	var err error
	if e.media, err = cfg.Plane(e.onMedia); err != nil {
		return err
	}
	if s, ok := e.media.(survivor); ok {
		e.left = s.Left()
	}
	return nil
}
