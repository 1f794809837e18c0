package callload

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// userHz is the unit of CPU times in /proc, per second; a constant of the ABI.
const userHz = 100

// Process is what one process has used until now.
type Process struct {
	CPU time.Duration // user and system time of all threads
	RSS int64         // bytes resident
	Own time.Duration // of CPU, what its children did not use
}

// Look reads /proc for a process and its children, such as the one that moves a
// server's audio; pid 0 is none and reads as zero.
func Look(pid int) (Process, error) {
	if pid == 0 {
		return Process{}, nil
	}
	sum, err := look(pid)
	if err != nil {
		return Process{}, err
	}
	sum.Own = sum.CPU
	for _, child := range Children(pid) {
		if p, err := look(child); err == nil { // it may have ended
			sum.CPU += p.CPU
			sum.RSS += p.RSS
		}
	}
	return sum, nil
}

// Children are the processes that a process has started and that live.
func Children(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var out []int
	for _, l := range lists {
		b, _ := os.ReadFile(l)
		for f := range strings.FieldsSeq(string(b)) {
			if n, err := strconv.Atoi(f); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

func look(pid int) (Process, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, fmt.Errorf("callload: look: %w", err)
	}
	// The name in parentheses may hold anything; what follows it begins with field 3.
	s := string(b)
	f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(f) < 22 {
		return Process{}, fmt.Errorf("callload: look: /proc/%d/stat is too short", pid)
	}
	number := func(field int) int64 {
		n, _ := strconv.ParseInt(f[field-3], 10, 64)
		return n
	}
	p := Process{
		CPU: time.Duration(number(14)+number(15)) * time.Second / userHz,
		RSS: number(24) * int64(os.Getpagesize()),
	}
	if exact, ok := cpuTime(pid); ok {
		p.CPU = exact
	}
	return p, nil
}

// dropped counts datagrams that found a full socket buffer, on the whole machine.
func dropped() uint64 {
	b, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0
	}
	for l := range strings.SplitSeq(string(b), "\n") {
		f := strings.Fields(l)
		if len(f) > 5 && f[0] == "Udp:" && f[1] != "InDatagrams" {
			n, _ := strconv.ParseUint(f[5], 10, 64)
			return n
		}
	}
	return 0
}
