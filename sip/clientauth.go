package sip

import sipmsg "github.com/emiago/sipgo/sip"

// clientAuth answers 401 and 407 for one dialog or registration. One goroutine at a time.
type clientAuth struct{}

// answer gives the header that goes into the request sent again (CSeq + 1, new branch).
// An error means that the response is final: no fit challenge, wrong realm, refused twice.
func (a *clientAuth) answer(method, uri string, res *sipmsg.Response) (sipmsg.Header, error) {
	return nil, nil
}

// begin is called for each new request (not for a repeat after a challenge): the
// next two challenges may be answered again. It gives credentials to send at once, or nil.
func (a *clientAuth) begin(method, uri string) sipmsg.Header { return nil }
