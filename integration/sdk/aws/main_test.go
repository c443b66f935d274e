// Package sdkaws lets AWS's SDKs for Go and for JavaScript use the Lambda API of
// bootstrapctl local.
package sdkaws

import (
	"testing"

	"bootstrap/integration/sdk/sdktest"
)

var server sdktest.Server

func TestMain(m *testing.M) { sdktest.Main(m, &server, "lambda", "AKIDEXAMPLE", "secret") }

// TestNode runs the tests of AWS's SDK for JavaScript.
func TestNode(t *testing.T) {
	sdktest.RunNode(t, "lambda.test.mjs", "AWS_ENDPOINT_URL_LAMBDA="+server.Endpoint, "ZIP="+server.ZipFile)
}
