package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzReadResponse checks that readResponse and net/http both refuse a response, or
// both read the same status, body and request id from it.
func FuzzReadResponse(f *testing.F) {
	for _, r := range responses {
		f.Add([]byte(r.wire))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		ours, ourErr := readResponse(newHeadReader(bytes.NewReader(wire)), false)
		theirs, theirErr := readAsNetHTTP(wire)
		switch {
		case ourErr != nil && theirErr != nil:
		case ourErr != nil:
			if !theirs.onlyNetHTTPAccepts(wire) {
				t.Errorf("we refuse: %v, net/http reads status %d, body %q", ourErr, theirs.status, theirs.body)
			}
		case theirErr != nil:
			if !onlyWeAccept(theirErr) {
				t.Errorf("net/http refuses: %v, we read status %d, body %q", theirErr, ours.Status, ours.Body)
			}
		default:
			compare(t, ours, theirs)
		}
	})
}

// A reading is a response as net/http has read it.
type reading struct {
	status int
	header http.Header
	body   []byte
	odd    bool // see onlyNetHTTPAccepts
}

// onlyNetHTTPAccepts reports whether we may refuse a response that net/http accepts:
// versions other than HTTP/1.x, a status with a sign ("+20", "-00"), and anything
// larger than our limits. No platform sends such.
func (r *reading) onlyNetHTTPAccepts(wire []byte) bool { return r.odd || len(wire) >= maxHeader }

// onlyWeAccept reports whether net/http may refuse a response that we accept, because
// of trailers announced under a wrong name or chunks with too much overhead. We
// ignore both.
func onlyWeAccept(err error) bool {
	return strings.Contains(err.Error(), "bad trailer key") || strings.Contains(err.Error(), "too much non-data")
}

func readAsNetHTTP(wire []byte) (*reading, error) {
	r := bufio.NewReader(bytes.NewReader(wire))
	odd := false
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return nil, err
		}
		odd = odd || resp.ProtoMajor != 1 || strings.ContainsAny(resp.Status[:1], "+-")
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode/100 != 1 {
			return &reading{resp.StatusCode, resp.Header, body, odd}, nil
		}
	}
}

func compare(t *testing.T, ours *Response, theirs *reading) {
	if ours.Status != theirs.status {
		t.Errorf("status: got %d, want %d", ours.Status, theirs.status)
	}
	if !bytes.Equal(ours.Body, theirs.body) {
		t.Errorf("body: got %q, want %q", ours.Body, theirs.body)
	}
	for _, name := range []string{"Request_Id", "X-Cff-Request-Id", "Lambda-Runtime-Aws-Request-Id"} { // of the platforms
		got, want := ours.Header.Values(name), theirs.header.Values(name)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
