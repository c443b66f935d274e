package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for value, want := range map[string][]string{
		"":  nil,
		" ": nil,
		"tcp://db:5432, unix:///tmp/s ,http://[::1]:80/a?b=c,http://localhost:65535": {"tcp://db:5432", "unix:///tmp/s", "http://[::1]:80/a?b=c", "http://localhost:65535"},
	} {
		var read addresses
		err := read.Decode(value)
		var got []string
		for _, a := range read {
			got = append(got, a.String())
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, %v, want %q", value, got, err, want)
		}
	}
	for _, value := range []string{"db:5432", "tcp://db", "https://db:443/", "http://user:pass@db:80/", ",", "tcp://db:1,,tcp://db:2"} {
		if err := new(addresses).Decode(value); err == nil {
			t.Errorf("%q: got no error", value)
		}
	}
}

// Each wrong address is named, without its password.
func TestWrongAddresses(t *testing.T) {
	err := new(addresses).Decode("tcp://a,tcp://b:1,http://user:hush@c:1/,https://d:443")
	const want = `"tcp://a", "c:1/", "https://d:443": expected tcp://host:port, unix:///path or http://host:port/path`
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNames(t *testing.T) {
	for value, want := range map[string]variableNames{"": nil, "A": {"A"}, " _a1 ,B": {"_a1", "B"}} {
		var got variableNames
		if err := got.Decode(value); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, %v, want %q", value, got, err, want)
		}
	}
	for _, value := range []string{",", "A,", "1A", "A B", "A=b", "$A", "hush!", "A-B", "é"} {
		if err := new(variableNames).Decode(value); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: got %v, want an error without it", value, err)
		}
	}
}
