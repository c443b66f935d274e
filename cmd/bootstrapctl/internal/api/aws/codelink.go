package aws

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// codeLink returns an address from which the zip of a function can be fetched without
// a key, until the function has another one.
func (c *call) codeLink(f *local.Function) string {
	return c.link("/2015-03-31/functions/"+f.Name()+"/code.zip", "signature="+c.linkSignature(f.Describe()))
}

// link returns the address of a path on this server, as the caller names the server.
func (c *call) link(path, query string) string {
	link := url.URL{Scheme: "http", Host: c.r.Host, Path: path, RawQuery: query}
	if c.r.TLS != nil {
		link.Scheme = "https"
	}
	return link.String()
}

// linkSignature returns what makes a link to a zip valid.
func (a *API) linkSignature(d local.Description) string {
	return hex.EncodeToString(sign(a.linkKey, d.Name+string(d.SHA256[:])))
}

// sendCode sends the zip of a function to who has a link.
func (a *API) sendCode(w http.ResponseWriter, r *http.Request) {
	f, err := a.cloud.Function(protocol.Lambda, r.PathValue("name"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	d := f.Describe()
	if d.Zip == nil || !hmac.Equal([]byte(r.URL.Query().Get("signature")), []byte(a.linkSignature(d))) {
		http.Error(w, "the link has expired", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.Zip))
}
