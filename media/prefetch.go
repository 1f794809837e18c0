//go:build amd64 || arm64

package media

import "unsafe"

// prefetch asks for cache lines of 64 bytes, the first of which holds p, and
// waits for none. Any address will do.
//
//go:noescape
func prefetch(p unsafe.Pointer, lines int)
