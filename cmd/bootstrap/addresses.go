package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// addresses are tcp://host:port, unix:///path or http://host:port/path.
type addresses []string

func (a *addresses) Decode(value string) error {
	*a = list(value)
	var bad []string
	for _, address := range *a {
		if !validAddress(address) {
			// What is before an @ may be a password.
			bad = append(bad, strconv.Quote(address[strings.LastIndex(address, "@")+1:]))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%s: want tcp://host:port, unix:///path or http://host:port/path, with commas between them", strings.Join(bad, ", "))
	}
	return nil
}

func validAddress(address string) bool {
	scheme, rest, _ := strings.Cut(address, "://")
	switch {
	case strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }):
		return false // it could not stand in the line of a request
	case scheme == "unix":
		return len(rest) > 1 && rest[0] == '/'
	case scheme == "http":
		rest, _, _ = strings.Cut(rest, "/")
	case scheme != "tcp":
		return false
	}
	return validHostPort(rest)
}

func validHostPort(address string) bool {
	host, port, err := net.SplitHostPort(address)
	n, notNumber := strconv.ParseUint(port, 10, 16)
	return err == nil && notNumber == nil && n > 0 && host != "" && !strings.ContainsAny(host, "/@?#")
}
