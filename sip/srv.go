package sip

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// services are the addresses that SRV records name for a transport, sorted by
// priority; none if there are no such records.
func (r *resolver) services(ctx context.Context, host, transport string) (all []group, err error) {
	records, _ := r.srv(ctx, srvName(transport, host))
	slices.SortStableFunc(records, func(a, b *net.SRV) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, rec := range records[:min(len(records), resolveMost)] {
		if found, err := r.addresses(ctx, strings.TrimSuffix(rec.Target, "."), rec.Port); err == nil && rec.Port != 0 {
			all = append(all, group{rec.Priority, rec.Weight, found, transport})
		}
	}
	if len(records) == 1 && records[0].Target == "." { // RFC 2782: decidedly not here
		return nil, fmt.Errorf("%w: %s offers no %s", errNoAddress, host, transport)
	}
	return all, nil
}

// group are the addresses of one SRV record, or of a name without any.
type group struct {
	priority, weight uint16
	addrs            []netip.AddrPort
	transport        string // of the service; "" without SRV
}

// inOrder gives the addresses to try: by priority, and within one a lot drawn by
// weight for each call (RFC 2782). Groups are sorted by priority.
func inOrder(groups []group, rand func(n int) int) (all []netip.AddrPort) {
	for len(groups) > 0 {
		n := 1
		for n < len(groups) && groups[n].priority == groups[0].priority {
			n++
		}
		for _, g := range drawn(slices.Clone(groups[:n]), rand) {
			all = append(all, g.addrs...)
		}
		groups = groups[n:]
	}
	return all[:min(len(all), resolveMost)]
}

// drawn orders groups of one priority: each place goes to one with a chance in
// proportion to its weight; those of weight 0 have a small one.
func drawn(left []group, rand func(n int) int) (all []group) {
	for len(left) > 1 {
		slices.SortStableFunc(left, func(a, b group) int { return cmp.Compare(min(a.weight, 1), min(b.weight, 1)) })
		sum := 0
		for _, g := range left {
			sum += int(g.weight)
		}
		lot, i := rand(sum+1), 0
		for sum = int(left[0].weight); sum < lot; sum += int(left[i].weight) {
			i++
		}
		all = append(all, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return append(all, left...)
}

// srvName is where RFC 3263, 4.2 has the records of a transport.
func srvName(transport, host string) string {
	if transport == "tls" {
		return "_sips._tcp." + host
	}
	return "_sip._" + transport + "." + host
}
