//go:build linux

package dial

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// connectTime bounds the attempt to connect to one address. The runtime API is on this
// machine.
const connectTime = 3 * time.Second

// TCP connects to host:port. It tries each address of the host until one accepts, up to
// 3 s each, and returns early when ctx ends. The caller must close the connection.
func TCP(ctx context.Context, address string) (c *Conn, err error) {
	addresses, err := resolve(ctx, address)
	for _, a := range addresses {
		if c, err = connect(ctx, a); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func resolve(ctx context.Context, address string) (all []netip.AddrPort, err error) {
	if a, err := netip.ParseAddrPort(address); err == nil {
		return []netip.AddrPort{a}, nil
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", service)
	}
	ips, err := systemResolver.lookup(ctx, host)
	for _, ip := range ips {
		all = append(all, netip.AddrPortFrom(ip, uint16(port)))
	}
	return all, err
}
