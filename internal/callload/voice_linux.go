package callload

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// voiceBuffer is the receive buffer of an audio socket, in bytes.
const voiceBuffer = 256 << 10

// scanTime is how often the ears look at their sockets. A packet's time is the
// kernel's, taken when it came, so the look may be late without harm.
const scanTime = 10 * time.Millisecond

// voice is an audio socket that nobody waits on: whoever sends to it pays for the
// datagram and for nothing of ours.
type voice struct{ fd int }

func newVoice(ip netip.Addr) (*voice, netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, netip.AddrPort{}, fmt.Errorf("callload: audio: %w", err)
	}
	v := &voice{fd}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, voiceBuffer)
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: ip.As4()})
	}
	var at unix.Sockaddr
	if err == nil {
		at, err = unix.Getsockname(fd)
	}
	if err != nil {
		v.close()
		return nil, netip.AddrPort{}, fmt.Errorf("callload: audio: %w", err)
	}
	return v, netip.AddrPortFrom(ip, uint16(at.(*unix.SockaddrInet4).Port)), nil
}

func (v *voice) send(b []byte, to netip.AddrPort) {
	sa := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().As4()}
	port := (*[2]byte)(unsafe.Pointer(&sa.Port))
	port[0], port[1] = byte(to.Port()>>8), byte(to.Port())
	// A send that fails is a packet lost, and counted as one.
	_, _, _ = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(v.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		0, uintptr(unsafe.Pointer(&sa)), unix.SizeofSockaddrInet4)
}

func (v *voice) close() { _ = unix.Close(v.fd) }

// ears read what comes to all streams of a run.
type ears struct {
	mu      sync.Mutex // guards streams; reading happens under it, so that removed means deaf
	streams []*stream
	msg     unix.Msghdr
	iov     unix.Iovec
	buf     [1500]byte
	oob     [64]byte
}

func (e *ears) add(s *stream) {
	e.mu.Lock()
	e.streams = append(e.streams, s)
	e.mu.Unlock()
}

func (e *ears) remove(s *stream) {
	e.mu.Lock()
	e.streams = slices.DeleteFunc(e.streams, func(o *stream) bool { return o == s })
	e.mu.Unlock()
}

// keep reads until done is closed.
func (e *ears) keep(r *run, done <-chan struct{}) {
	e.iov.Base, e.msg.Iov = &e.buf[0], &e.iov
	e.iov.SetLen(len(e.buf))
	e.msg.SetIovlen(1)
	t := time.NewTicker(scanTime)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
		}
		e.mu.Lock()
		began := time.Now().UnixNano() - r.now() // the run's first moment by the clock on the wall
		for _, s := range e.streams {
			e.read(s, began)
		}
		e.mu.Unlock()
	}
}

// read empties a socket.
func (e *ears) read(s *stream, began int64) {
	for {
		e.msg.Control = &e.oob[0]
		e.msg.SetControllen(len(e.oob))
		n, _, err := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(s.voice.fd), uintptr(unsafe.Pointer(&e.msg)), 0)
		switch {
		case err == unix.ECONNREFUSED:
			continue // ICMP: nobody listens there
		case err != 0:
			return
		}
		at := s.run.now()
		if h := (*unix.Cmsghdr)(unsafe.Pointer(&e.oob[0])); int(e.msg.Controllen) >= unix.CmsgLen(0) && h.Type == unix.SCM_TIMESTAMPNS {
			stamp := (*unix.Timespec)(unsafe.Pointer(&e.oob[unix.CmsgLen(0)]))
			at = stamp.Nano() - began
		}
		s.take(e.buf[:n], at)
	}
}
