//go:build linux

package dial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A resolver finds the addresses of hosts in the hosts file, and then from name
// servers. It does not know nsswitch.conf and the order of RFC 6724, as the resolver of
// package net does. The runtime API is usually an IP address.
type resolver struct {
	hosts, config string // paths, see hosts(5) and resolv.conf(5)
	port          uint16 // of the name servers
}

var systemResolver = resolver{"/etc/hosts", "/etc/resolv.conf", 53}

// errNoHost reports that the hosts file and the name servers do not know a host.
var errNoHost = errors.New("no such host")

// lookup returns the IPv4 addresses first: IPv6 often leads nowhere in a sandbox.
func (r resolver) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if all := r.lookupFile(host); len(all) > 0 {
		return all, nil
	}
	all, err := r.readConfig().lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("cannot look up %q: %w", host, err)
	}
	return all, nil
}

func (r resolver) lookupFile(host string) (all []netip.Addr) {
	var six []netip.Addr
	for fields := range lines(r.hosts) {
		a, err := netip.ParseAddr(fields[0])
		isHost := func(name string) bool { return strings.EqualFold(name, strings.TrimSuffix(host, ".")) }
		if err != nil || !slices.ContainsFunc(fields[1:], isHost) {
			continue
		}
		if a = a.Unmap(); a.Is4() {
			all = append(all, a)
		} else {
			six = append(six, a)
		}
	}
	return append(all, six...)
}

// lines yields the fields of each line that has any, without comments. A file that
// cannot be read has none.
func lines(path string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		text, _ := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			if i := strings.IndexAny(line, "#;"); i >= 0 {
				line = line[:i]
			}
			if fields := strings.Fields(line); len(fields) > 0 && !yield(fields) {
				return
			}
		}
	}
}

// nameServers holds the settings of resolv.conf.
type nameServers struct {
	servers  []netip.AddrPort
	search   []string // domains to append to a host
	dots     int      // a host with at least that many dots is tried without a domain first
	attempts int
	timeout  time.Duration // of one question to one server
}

func (r resolver) readConfig() *nameServers {
	n := &nameServers{dots: 1, attempts: 2, timeout: 5 * time.Second}
	for fields := range lines(r.config) {
		switch fields[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(strings.Join(fields[1:], "")); err == nil {
				n.servers = append(n.servers, netip.AddrPortFrom(a, r.port))
			}
		case "search", "domain":
			n.search = fields[1:]
		case "options":
			n.setOptions(fields[1:])
		}
	}
	if len(n.servers) == 0 {
		n.servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), r.port)}
	}
	return n
}

func (n *nameServers) setOptions(options []string) {
	for _, option := range options {
		name, text, _ := strings.Cut(option, ":")
		value, err := strconv.ParseUint(text, 10, 8)
		if err != nil {
			continue
		}
		switch name {
		case "ndots":
			n.dots = min(int(value), 15)
		case "attempts":
			n.attempts = max(1, int(value))
		case "timeout":
			n.timeout = time.Duration(max(1, value)) * time.Second
		}
	}
}

// lookup tries each full name that the host may stand for, until one has addresses.
func (n *nameServers) lookup(ctx context.Context, host string) (all []netip.Addr, err error) {
	for _, name := range n.names(host) {
		all, why := n.lookupName(ctx, name)
		if len(all) > 0 || ctx.Err() != nil {
			return all, why
		}
		if err == nil || err == errNoHost {
			err = why
		}
	}
	return nil, err
}

func (n *nameServers) lookupName(ctx context.Context, name string) (all []netip.Addr, err error) {
	all, err = n.ask(ctx, name, dnsmessage.TypeA)
	if err != nil {
		return nil, err
	}
	six, err := n.ask(ctx, name, dnsmessage.TypeAAAA)
	if all = append(all, six...); len(all) > 0 {
		return all, nil // even if the second question failed
	}
	return nil, cmp.Or(err, errNoHost)
}

// names returns the full names that a host may stand for, in the order in which to
// try them.
func (n *nameServers) names(host string) (all []string) {
	if strings.HasSuffix(host, ".") {
		return []string{host}
	}
	for _, domain := range n.search {
		all = append(all, host+"."+strings.Trim(domain, ".")+".")
	}
	if strings.Count(host, ".") >= n.dots {
		return append([]string{host + "."}, all...)
	}
	return append(all, host+".")
}
