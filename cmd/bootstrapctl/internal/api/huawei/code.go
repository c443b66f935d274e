package huawei

import (
	"encoding/base64"
	"net/http"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// maxZip is how many bytes a zip in a request may have.
var maxZip, _ = doctor.Limits(protocol.FunctionGraph.Name)

// A codeRequest says what the code of a function is.
type codeRequest struct {
	CodeType string   `json:"code_type"`
	FuncCode funcCode `json:"func_code"`
}

// refusedCode says why code of another type than zip is refused.
var refusedCode = map[string]string{
	"":                 "Set code_type to zip.",
	"inline":           "The runtime Custom needs a program named bootstrap: put it into a zip, and set code_type to zip.",
	"obs":              "The local platform has no OBS: send the zip in func_code.file, and set code_type to zip.",
	"jar":              "Only Java runtimes have it: set code_type to zip.",
	"Custom-Image-Swr": "The local platform does not run images: set code_type to zip.",
}

// read returns the code in a request.
func (c *codeRequest) read() (local.Code, error) {
	if c.CodeType != "zip" {
		why, ok := refusedCode[c.CodeType]
		if !ok {
			why = "Expected zip."
		}
		return local.Code{}, errCodeType.because("%q: %s", c.CodeType, why)
	}
	if len(c.FuncCode.File) > base64Length(maxZip) {
		return local.Code{}, errCodeSize.because("Send it through OBS in the cloud.")
	}
	zip, err := base64.StdEncoding.DecodeString(c.FuncCode.File)
	switch {
	case err != nil:
		return local.Code{}, errCode.because("func_code.file: expected a zip in base64: %v.", err)
	case len(zip) == 0:
		return local.Code{}, errNoCode.because("Set func_code.file to a zip in base64.")
	}
	return local.Code{Zip: zip}, nil
}

// base64Length returns the length of that many bytes in base64.
func base64Length(bytes int64) int { return base64.StdEncoding.EncodedLen(int(bytes)) }

// setCode gives a function other code.
func (a *api) setCode(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	var request codeRequest
	if err := decode(r, &request); err != nil {
		return err
	}
	code, err := request.read()
	if err != nil {
		return err
	}
	if err := f.SetCode(code); err != nil {
		return err
	}
	return a.describe(w, r, f)
}
