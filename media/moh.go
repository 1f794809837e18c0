package media

// HoldMusic makes music on hold.
func HoldMusic() []byte { return nil }
