// Package sdktencent lets Tencent Cloud's SDKs for Go and for Node.js use the API of
// bootstrapctl local.
package sdktencent

import (
	"encoding/base64"
	"strings"
	"testing"

	"bootstrap/integration/sdk/sdktest"
)

// The local platform checks that requests are signed with this key.
const secretID, secretKey = "AKIDEXAMPLE", "secretKeyExample"

var server sdktest.Server

func TestMain(m *testing.M) { sdktest.Main(m, &server, "scf", secretID, secretKey) }

// endpoint returns the host and port of the local platform.
func endpoint() string { return strings.TrimPrefix(server.Endpoint, "http://") }

// zipText returns the package of the function as the API takes it.
func zipText() *string {
	text := base64.StdEncoding.EncodeToString(server.Zip)
	return &text
}

// TestNode runs the tests of Tencent Cloud's SDK for Node.js.
func TestNode(t *testing.T) {
	sdktest.RunNode(t, "scf.test.mjs", "ENDPOINT="+endpoint(), "ZIP="+server.ZipFile, "SECRET_ID="+secretID, "SECRET_KEY="+secretKey)
}
