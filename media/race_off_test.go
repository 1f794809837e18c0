//go:build !race

package media

import "time"

// longTalk is how long the longest virtual talks last.
const longTalk = time.Hour
