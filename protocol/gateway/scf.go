package gateway

import "encoding/json"

// SCF is Tencent's API Gateway (product document 583/12513). With its setting
// "integrated response" an answer is an envelope, and without it the answer is
// the body. The documents do not say how a repeated parameter looks; users
// report lists.
var SCF = &Gateway{
	Name: "scf", Title: "Tencent API Gateway", Platform: "scf",
	has:    []string{"httpMethod", "requestContext"},
	oneOf:  []string{"requestContext.serviceId", "queryString"},
	method: []string{"httpMethod", "requestContext.httpMethod"},
	path:   []string{"path"},
	route:  []string{"requestContext.path"},
	id:     []string{"requestContext.requestId"},
	stage:  []string{"requestContext.stage", "stageVariables.stage"},
	client: []string{"requestContext.sourceIp"},
	params: "pathParameters",
	query:  values{single: "queryString", repeated: listed},
	header: values{single: "headers", repeated: listed, lower: true},
	none:   json.RawMessage("{}"),
	fixed: map[string]any{
		"requestContext.serviceId": "service-local", "requestContext.identity": json.RawMessage("{}"),
		"queryStringParameters": json.RawMessage("{}"), "headerParameters": json.RawMessage("{}"),
	},
	answer: envelope{
		write: values{single: "headers", repeated: listed},
		read:  values{single: "headers", repeated: listed},
		wrong: fixedError(403, "application/json", `{"errno":403,"error":"Invalid scf response format. please check your scf response format."}`),
	},
}

// SCFURL is a function URL of SCF (product document 583/96099). Its event is
// that of the API Gateway without five of its fields. The document describes
// neither a request body that is not text nor an answer that is not JSON. Here
// such a body is base64, with isBase64Encoded, and such an answer is the
// response body.
var SCFURL = &Gateway{
	Name: "scf-url", Title: "SCF function URL", Platform: "scf",
	has:          []string{"httpMethod", "path"},
	lacks:        []string{"requestContext"},
	method:       []string{"httpMethod"},
	path:         []string{"path"},
	clientHeader: "X-Forwarded-For",
	query:        values{single: "queryString", repeated: listed},
	header:       values{single: "headers", repeated: listed, lower: true},
	body:         bodyStyle{plain: true, empty: json.RawMessage(`""`)},
	none:         json.RawMessage("{}"),
	answer: envelope{
		write: values{single: "headers", repeated: listed},
		read:  values{single: "headers", repeated: listed},
		bare:  bareText,
		wrong: SCF.answer.wrong,
	},
}
