// Package sdkhuawei lets Huawei Cloud's SDK for JavaScript use the FunctionGraph API of
// bootstrapctl local. The SDK for Go has 250 MB; captured requests of it are in the
// tests of package api/huawei.
package sdkhuawei

import (
	"testing"

	"bootstrap/integration/sdk/sdktest"
)

var server sdktest.Server

func TestMain(m *testing.M) {
	sdktest.Main(m, &server, "functiongraph", "AKEXAMPLE", "SKEXAMPLE")
}

// TestNode runs the tests of Huawei Cloud's SDK for JavaScript.
func TestNode(t *testing.T) {
	sdktest.RunNode(t, "functiongraph.test.mjs", "ENDPOINT="+server.Endpoint, "ZIP="+server.ZipFile)
}
