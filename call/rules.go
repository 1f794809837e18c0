package call

import (
	"hotline/acd"
	"hotline/store"
)

// Rules are a center as the ACD is told of it, for those who simulate one.
func Rules(c store.Center) acd.Configure { return (&world{center: c}).configure() }

// ControlShare is the share of a queue's contacts that its center keeps as control group.
func ControlShare(c store.Center, queue string) float64 { return (&world{center: c}).control(queue) }
