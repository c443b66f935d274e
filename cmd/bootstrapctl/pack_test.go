package main

import (
	"testing"

	"bootstrap/protocol"
)

// The hint names the file once, and quotes names for the shell.
func TestUploadHint(t *testing.T) {
	k := packing{output: "my app.zip", deployment: deployment{handler: "index.main"}}
	for platform, want := range map[*protocol.Platform]string{
		protocol.FunctionGraph: "in the console: Code > Upload > Local ZIP, 'my app.zip'",
		protocol.Lambda:        "aws lambda update-function-code --function-name 'my app' --zip-file 'fileb://my app.zip'",
		protocol.SCF: `printf '{"FunctionName": "my app", "Handler": "index.main", "ZipFile": "%s"}' "$(base64 <'my app.zip' | tr -d '\n')" >update.json` +
			"\ntccli scf UpdateFunctionCode --cli-input-json file://update.json",
	} {
		if got := k.upload(platform); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
