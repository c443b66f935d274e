package tencent

import (
	"mime"
	"net/http"
	"slices"
)

// An action carries out a call and returns the content of its answer.
type action func(s *server, c *call) (content any, err error)

// on makes an action of a function that gets the parameters of the call as a P.
func on[P any](do func(s *server, c *call, p *P) (any, error)) action {
	return func(s *server, c *call) (any, error) {
		p := new(P)
		if err := decode(c, p); err != nil {
			return nil, err
		}
		return do(s, c, p)
	}
}

// actions are those that the local platform has, by name.
var actions = map[string]action{
	"Invoke":                      on((*server).invoke),
	"InvokeFunction":              on((*server).invokeFunction),
	"GetRequestStatus":            on((*server).getRequestStatus),
	"GetFunctionLogs":             on((*server).getFunctionLogs),
	"CreateFunction":              on((*server).createFunction),
	"UpdateFunctionCode":          on((*server).updateFunctionCode),
	"UpdateFunctionConfiguration": on((*server).updateFunctionConfiguration),
	"GetFunction":                 on((*server).getFunction),
	"ListFunctions":               on((*server).listFunctions),
	"DeleteFunction":              on((*server).deleteFunction),
	"ListTriggers":                on((*server).listTriggers),
	"CreateTrigger":               on((*server).createTrigger),
	"DeleteTrigger":               on((*server).deleteTrigger),
	"ListNamespaces":              on((*server).listNamespaces),
}

// others are the actions that only the cloud has.
var others = []string{
	"CopyFunction", "CreateAlias", "CreateCustomDomain", "CreateNamespace", "DeleteAlias", "DeleteCustomDomain",
	"DeleteFunctionVersion", "DeleteLayerVersion", "DeleteNamespace", "DeleteProvisionedConcurrencyConfig",
	"DeleteReservedConcurrencyConfig", "GetAccount", "GetAlias", "GetAsyncEventStatus", "GetCustomDomain",
	"GetFunctionAddress", "GetFunctionEventInvokeConfig", "GetLayerVersion", "GetProvisionedConcurrencyConfig",
	"GetReservedConcurrencyConfig", "ListAliases", "ListAsyncEvents", "ListCustomDomains", "ListLayerVersions",
	"ListLayers", "ListVersionByFunction", "PublishLayerVersion", "PublishVersion",
	"PutProvisionedConcurrencyConfig", "PutReservedConcurrencyConfig", "PutTotalConcurrencyConfig",
	"TerminateAsyncEvent", "UpdateAlias", "UpdateCustomDomain", "UpdateFunctionEventInvokeConfig",
	"UpdateNamespace", "UpdateTrigger", "UpdateTriggerStatus",
}

// actionOf returns the action of that name in a version of the API.
func actionOf(name, of string) (action, error) {
	do := actions[name]
	switch {
	case of == "":
		return nil, fail("MissingParameter", "The request is missing a required parameter `Version`: set the header X-TC-Version: %s", version)
	case of != version:
		return nil, fail("NoSuchVersion", "the version %q does not exist: expected %s", short(of), version)
	case do != nil:
		return do, nil
	case slices.Contains(others, name):
		return nil, fail("UnsupportedOperation", "the local platform does not have %s: it has one version of each function, without aliases, layers, domains and reserved instances", name)
	}
	return nil, fail("InvalidAction", "The request action=`%s` is invalid or not match with the version.", short(name))
}

// checkForm refuses requests in other forms than TC3-HMAC-SHA256 has: POST with JSON, and
// GET.
func checkForm(r *http.Request) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // the empty type is refused, too
	switch {
	case r.Method == http.MethodGet:
		return nil
	case r.Method != http.MethodPost:
		return fail("UnsupportedProtocol", "the method is %s: expected POST or GET", r.Method)
	case kind != "application/json":
		return fail("InvalidRequest", "the Content-Type is %q: expected application/json", short(kind))
	}
	return nil
}
