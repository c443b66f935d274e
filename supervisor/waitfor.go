package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"bootstrap/protocol"

	"github.com/hashicorp/go-hclog"
)

// An Address is where something listens once it is ready: tcp://host:port,
// unix:///path, or http://host:port/path, which must answer 2xx.
type Address struct{ url *url.URL }

// ErrAddress describes a valid address.
var ErrAddress = errors.New("expected tcp://host:port, unix:///path or http://host:port/path, with a port from 1 to 65535")

// ParseAddress checks the form of an address only. It returns ErrAddress, also
// for several addresses with spaces between them.
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	_, rest, _ := strings.Cut(text, " ")
	if err != nil || strings.Contains(rest, "://") || u.User != nil || u.Fragment != "" || !isValid(u) {
		return Address{}, ErrAddress
	}
	return Address{u}, nil
}

func isValid(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	host := u.Hostname() != "" && err == nil && port > 0 && u.Host == net.JoinHostPort(u.Hostname(), u.Port())
	switch u.Scheme {
	case "unix":
		return u.Host == "" && u.Path != "" && u.RawQuery == ""
	case "tcp":
		return host && u.Path == "" && u.RawQuery == ""
	case "http":
		return host || u.Hostname() != "" && u.Port() == "" && !strings.HasSuffix(u.Host, ":")
	}
	return false
}

func (a Address) String() string { return a.url.String() }

const (
	tryTimeout = time.Second     // bounds one try
	warnAfter  = 3 * time.Second // for the log: Lambda kills a long start without a message
)

// retryBackoff sets the pauses between two tries.
var retryBackoff = protocol.Backoff{Shortest: 5 * time.Millisecond, Longest: 100 * time.Millisecond}

// WaitFor waits until each address has been ready once. When ctx ends first,
// the error names the address and its last error, and wraps the cause of ctx.
// Slow addresses are logged.
func WaitFor(ctx context.Context, addresses []Address, log hclog.Logger) error {
	for _, a := range addresses {
		if err := a.wait(ctx, log); err != nil {
			return fmt.Errorf("%v is not ready: %w", a, err)
		}
	}
	return nil
}

func (a Address) wait(ctx context.Context, log hclog.Logger) error {
	var why error // the last error that was not caused by the end of ctx
	warn := sync.OnceFunc(func() { log.Warn("waiting", "for", a.String(), "error", why) })
	for n, began := 0, time.Now(); ; n++ {
		err := a.try(ctx)
		if err == nil {
			return nil
		}
		if why == nil || ctx.Err() == nil {
			why = err
		}
		if ctx.Err() != nil && errors.Is(why, context.Cause(ctx)) { // ctx caused this error, too
			why = errors.New("no answer")
		}
		if time.Since(began) > warnAfter {
			warn()
		}
		if !protocol.Sleep(ctx, retryBackoff.Pause(n)) {
			return fmt.Errorf("%v (%w)", why, context.Cause(ctx))
		}
	}
}

// try returns nil if the address is ready now.
func (a Address) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	at := net.JoinHostPort(a.url.Hostname(), cmp.Or(a.url.Port(), "80"))
	switch a.url.Scheme {
	case "unix":
		return dialUnix(a.url.Path)
	case "tcp":
		return dialTCP(ctx, at)
	}
	return getHTTP(ctx, at, a.url.RequestURI())
}
