//go:build race

package media

import "time"

// longTalk is short under the race detector, which makes an hour of packets slow.
const longTalk = 5 * time.Minute
