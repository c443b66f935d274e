package gateway

import (
	"encoding/json"
	"errors"
)

// FunctionGraph is Huawei's API Gateway, APIG (document functiongraph_02_0102,
// "APIG example event"). It encodes each body. The documents do not say how a
// repeated parameter looks: here it is a list.
var FunctionGraph = &Gateway{
	Name: "functiongraph", Title: "Huawei APIG", Platform: "functiongraph",
	has:    []string{"httpMethod", "requestContext.stage"},
	method: []string{"httpMethod"},
	path:   []string{"path"},
	id:     []string{"requestContext.requestId"},
	stage:  []string{"requestContext.stage"},

	clientHeader: "X-Real-Ip",
	params:       "pathParameters",
	query:        values{single: "queryStringParameters", repeated: listed},
	header:       values{single: "headers", repeated: listed, lower: true},
	body:         bodyStyle{base64: true, empty: json.RawMessage(`""`)},
	none:         json.RawMessage("{}"),
	fixed:        map[string]any{"requestContext.apiId": "local"},
	answer: envelope{
		write: values{single: "headers", repeated: listed},
		read:  values{single: "headers", repeated: listed},
		wrong: fss1206,
	},
}

// fss1206 returns APIG's own error. Users report the status and both messages; the
// document functiongraph_03_0290 has the status.
func fss1206(answer []byte, cause error) *Response {
	text := "invalid type of APIG trigger invocation result:[" + string(answer) +
		`], type format must be: {"statusCode":200,"isBase64Encoded":false,"headers":{},"body":""}`
	if errors.Is(cause, errNoStatus) {
		text = "'statusCode' of APIG trigger invocation result not specified, statusCode can not be 0"
	}
	return jsonResponse(500, object{"error_code": "FSS.1206", "error_msg": text})
}
