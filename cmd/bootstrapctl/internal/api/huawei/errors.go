package huawei

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// A failure is an error of the API.
type failure struct {
	status  int
	Code    string `json:"error_code"`
	Message string `json:"error_msg"`
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

// because returns the failure with an additional sentence that gives the reason.
func (f *failure) because(format string, values ...any) *failure {
	why := *f
	why.Message += " " + fmt.Sprintf(format, values...)
	return &why
}

// The failures, as support.huaweicloud.com/api-functiongraph/ErrorCode.html lists them.
var (
	errParameter   = &failure{400, "FSS.0400", "Invalid parameter."}
	errNoResource  = &failure{404, "FSS.0404", "The specified resource was not found."}
	errNotJSON     = &failure{406, "FSS.0406", "Not acceptable."}
	errTooLarge    = &failure{413, "FSS.0413", "The request body is too large."}
	errThrottled   = &failure{429, "FSS.0429", "Too many requests."}
	errInternal    = &failure{500, "FSS.0500", "Internal server error."}
	errUnavailable = &failure{503, "FSS.0503", "Service unavailable."}

	errQuery       = &failure{400, "FSS.1001", "Invalid query parameter."}
	errName        = &failure{400, "FSS.1002", "Invalid function name."}
	errHandler     = &failure{400, "FSS.1003", "Invalid function handler."}
	errPackage     = &failure{400, "FSS.1004", "Invalid Package (function app)."}
	errRuntime     = &failure{400, "FSS.1005", "Invalid runtime."}
	errCodeType    = &failure{400, "FSS.1006", "Invalid function code entry mode."}
	errMemory      = &failure{400, "FSS.1007", "Invalid function memory."}
	errTimeout     = &failure{400, "FSS.1008", "Invalid function timeout."}
	errUserData    = &failure{400, "FSS.1009", "Invalid function UserData."}
	errCode        = &failure{400, "FSS.1011", "Invalid function code."}
	errNoCode      = &failure{400, "FSS.1012", "The function code must be configured."}
	errVariables   = &failure{400, "FSS.1017", "The number of items in the UserData field exceeds the maximum allowed limit (20)."}
	errUserSize    = &failure{400, "FSS.1018", "The total size of the UserData field exceeds the maximum allowed limit (4 KB)."}
	errDescription = &failure{400, "FSS.1019", "The description exceeds the maximum allowed limit."}
	errConcurrency = &failure{400, "FSS.1026", "Invalid Concurrency."}
	errNoFunction  = &failure{404, "FSS.1051", "The function does not exist."}
	errNoVersion   = &failure{404, "FSS.1052", "The version does not exist."}
	errNoAlias     = &failure{404, "FSS.1053", "The alias does not exist."}
	errNoApp       = &failure{404, "FSS.1055", "The app does not exist."}
	errExists      = &failure{409, "FSS.1061", "The function already exists."}
	errCodeSize    = &failure{413, "FSS.1071", "The size of the code package to be uploaded exceeds the maximum allowed limit (50 MB)."}

	errTriggerType   = &failure{400, "FSS.1101", "Invalid trigger type."}
	errGateway       = &failure{400, "FSS.1107", "Invalid APIG trigger parameters."}
	errTimer         = &failure{400, "FSS.1109", "Invalid timer trigger parameters."}
	errNoTrigger     = &failure{404, "FSS.1131", "The trigger does not exist."}
	errTriggerExists = &failure{409, "FSS.0409", "The specified resource already exists."}

	// The gateway in front of the vendor's APIs checks signatures
	// (support.huaweicloud.com/apig_faq/apig-faq-0003.html).
	errIdentity = &failure{401, "APIGW.0301", "Incorrect IAM authentication information:"}
)

// refuse answers with an error.
func refuse(w http.ResponseWriter, err error) {
	f := failureOf(err)
	_ = answer(w, f.status, f)
}

// invalid says which failure a setting that local refuses is.
var invalid = map[string]*failure{
	"Name": errName, "Timeout": errTimeout, "MemoryMB": errMemory, "Env": errUserData, "Package": errCode,
}

// failureOf returns the failure that an error is.
func failureOf(err error) *failure {
	var f *failure
	var setting *local.Invalid
	var size *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &setting) && invalid[setting.Field] != nil:
		return invalid[setting.Field].because("%s.", setting.Why)
	case errors.As(err, &setting):
		return errParameter.because("%v.", setting)
	case errors.As(err, &size):
		return errTooLarge.because("It has more than %d bytes.", size.Limit)
	}
	for known, f := range map[error]*failure{
		local.ErrNotFound: errNoFunction, local.ErrExists: errExists, local.ErrThrottled: errThrottled,
		local.ErrTooLarge: errTooLarge, local.ErrClosed: errUnavailable,
	} {
		if errors.Is(err, known) {
			return f.because("%s", sentence(err))
		}
	}
	return errInternal.because("%s", sentence(err))
}

// sentence returns an error as a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):] + "."
}
