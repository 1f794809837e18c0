package sip

// TLS says how we prove ourselves, and whom we ask to. Files are PEM; they are read
// again when they change, for connections made from then on.
type TLS struct {
	Cert, Key string // our certificate with its chain, and its key; needed for Secure listeners
	// ClientCA are the authorities that sign clients' certificates. A client may do
	// without one, unless RequireClient is set.
	ClientCA      string
	RequireClient bool
}
