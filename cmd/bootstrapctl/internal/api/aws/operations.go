package aws

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// An operation is a row of the API: a pattern of net/http, AWS's name, and what to do.
type operation struct {
	pattern string
	name    string
	perform func(*call) (reply, error)
}

// operations lists the operations of the Lambda API that the local platform
// supports, including those that Terraform calls after each create.
var operations = []operation{
	{"POST /2015-03-31/functions/{name}/invocations", "InvokeFunction", (*call).invoke},
	{"POST /2021-11-15/functions/{name}/response-streaming-invocations", "InvokeWithResponseStream", (*call).invokeStreaming},

	{"POST /2015-03-31/functions", "CreateFunction", (*call).createFunction},
	{"POST /2015-03-31/functions/{$}", "CreateFunction", (*call).createFunction},
	{"GET /2015-03-31/functions", "ListFunctions", (*call).listFunctions},
	{"GET /2015-03-31/functions/{$}", "ListFunctions", (*call).listFunctions},
	{"GET /2015-03-31/functions/{name}", "GetFunction", (*call).getFunction},
	{"DELETE /2015-03-31/functions/{name}", "DeleteFunction", (*call).deleteFunction},
	{"GET /2015-03-31/functions/{name}/configuration", "GetFunctionConfiguration", (*call).getConfiguration},
	{"PUT /2015-03-31/functions/{name}/configuration", "UpdateFunctionConfiguration", (*call).updateConfiguration},
	{"PUT /2015-03-31/functions/{name}/code", "UpdateFunctionCode", (*call).updateCode},
	{"GET /2015-03-31/functions/{name}/versions", "ListVersionsByFunction", (*call).listVersions},
	{"GET /2015-03-31/functions/{name}/aliases", "ListAliases", (*call).listAliases},

	{"GET /2019-09-30/functions/{name}/concurrency", "GetFunctionConcurrency", (*call).getConcurrency},
	{"PUT /2017-10-31/functions/{name}/concurrency", "PutFunctionConcurrency", (*call).putConcurrency},
	{"DELETE /2017-10-31/functions/{name}/concurrency", "DeleteFunctionConcurrency", (*call).deleteConcurrency},

	{"GET /2017-03-31/tags/{name}", "ListTags", (*call).listTags},
	{"POST /2017-03-31/tags/{name}", "TagResource", (*call).tag},
	{"DELETE /2017-03-31/tags/{name}", "UntagResource", (*call).untag},

	{"GET /2015-03-31/functions/{name}/policy", "GetPolicy", (*call).getPolicy},
	{"POST /2015-03-31/functions/{name}/policy", "AddPermission", (*call).addPermission},
	{"DELETE /2015-03-31/functions/{name}/policy/{statement}", "RemovePermission", (*call).removePermission},
	{"GET /2020-06-30/functions/{name}/code-signing-config", "GetFunctionCodeSigningConfig", (*call).getCodeSigning},

	{"GET /2021-10-31/functions/{name}/url", "GetFunctionUrlConfig", (*call).getURL},
	{"POST /2021-10-31/functions/{name}/url", "CreateFunctionUrlConfig", (*call).createURL},
	{"PUT /2021-10-31/functions/{name}/url", "UpdateFunctionUrlConfig", (*call).updateURL},
	{"DELETE /2021-10-31/functions/{name}/url", "DeleteFunctionUrlConfig", (*call).deleteURL},
	{"GET /2021-10-31/functions/{name}/urls", "ListFunctionUrlConfigs", (*call).listURLs},
}

// other is every operation that does not exist here.
var other = operation{perform: (*call).unknown}

// maxManagement is the limit of a request with a zip of 50 MB in base64.
const maxManagement = 70167211

// limit returns the maximum size of a request in bytes.
func (o operation) limit() int {
	if o.isInvoke() {
		return local.LimitsOf(protocol.Lambda).Event
	}
	return maxManagement
}

func (o operation) isInvoke() bool { return strings.HasPrefix(o.name, "Invoke") }

// checkType returns a failure for a body of another type than JSON. An event may have
// the type that the SDKs send, or the one that curl sends.
func (c *call) checkType(o operation) error {
	header := c.r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(header)
	accepted := []string{"application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1"}
	if o.isInvoke() {
		accepted = append(accepted, "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded")
	}
	if header == "" || err == nil && slices.Contains(accepted, kind) || c.r.Method == http.MethodGet || c.r.Method == http.MethodDelete {
		return nil
	}
	return &failure{http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", user("Content-Type: expected application/json, got " + header)}
}

// unknown answers a request for an operation that does not exist here.
func (c *call) unknown() (reply, error) {
	return reply{}, &failure{http.StatusNotFound, "UnknownOperationException",
		object{"message": "the local platform does not have " + c.r.Method + " " + c.r.URL.Path}}
}
