// Package phone is a scripted softphone: it registers, calls, is called, talks,
// listens and presses keys, for tests, for hotline dial and for hotline demo.
//
// A [Phone] is one SIP account at one address, on a sip.Endpoint of its own. A
// [Call] is one call of it. Session descriptions, RTP, keys and the judgement of
// what was heard are this package's own, so that audio proven here is proven by
// other code than the engine's: it shares the G.711 tables with package media and
// nothing else of it.
//
// Guarantees: whatever a call heard is kept on one timeline ([Recording]), gaps
// as silence; a packet leaves every 20 ms as long as the description allows it;
// all goroutines end with [Phone.Run]. Everything works in a testing/synctest
// bubble when sockets are injected, and on real sockets.
//
// It is no phone for people: no sound card, no jitter buffer, no echo.
package phone
