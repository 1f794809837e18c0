//go:build !linux

package media

func newPacketIO(cfg Config, stats *Stats, c clock) (packetIO, error) {
	return newPortable(cfg, stats, c), nil
}
