package media

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// metronome beats on the grid of tickTime. It is a timerfd in the scheduler's own
// poller: whoever waits is parked, not in a system call, which a goroutine that
// sleeps 200 times a second would pay for with the scheduler's watchdog polling
// every 20 us.
type metronome struct {
	file  *os.File
	raw   syscall.RawConn
	clock clock
	beats bool
	count [8]byte               // beats since the last read
	read  func(fd uintptr) bool // m.take, bound once
}

// beatSlack is how much too early a beat may come: the timer and the clock were
// set to zero one after the other.
const beatSlack = tickTime / 10

func newMetronome(c clock) (*metronome, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timer: %w", err)
	}
	m := &metronome{file: os.NewFile(uintptr(fd), "metronome"), clock: c}
	if m.raw, err = m.file.SyscallConn(); err != nil {
		m.close()
		return nil, fmt.Errorf("timer: %w", err)
	}
	m.read = m.take
	return m, nil
}

// wait returns at the instant at, which lies on the grid.
func (m *metronome) wait(at time.Duration) {
	if !m.beats {
		m.start()
	}
	for m.clock.now() < at-beatSlack {
		if m.raw.Read(m.read) != nil {
			time.Sleep(at - m.clock.now()) // cannot be; the audio goes on
		}
	}
}

// take reads the timer; false if it has not beaten.
func (m *metronome) take(fd uintptr) bool {
	_, _, err := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&m.count)), uintptr(len(m.count)))
	return err != unix.EAGAIN
}

func (m *metronome) start() {
	m.beats = true
	now := m.clock.now()
	m.set(unix.ItimerSpec{
		Value:    unix.NsecToTimespec(int64(tickTime - now%tickTime)),
		Interval: unix.NsecToTimespec(int64(tickTime)),
	})
}

func (m *metronome) stop() {
	if m.beats {
		m.beats = false
		m.set(unix.ItimerSpec{})
	}
}

func (m *metronome) set(spec unix.ItimerSpec) {
	_ = m.raw.Control(func(fd uintptr) { _ = unix.TimerfdSettime(int(fd), 0, &spec, nil) })
}

func (m *metronome) close() { _ = m.file.Close() }
