package call

import (
	"hotline/acd"
	"hotline/store"
)

// Rules are a center as the ACD is told of it, for those who simulate one.
func Rules(c store.Center) acd.Configure { return (&world{center: c}).configure() }
