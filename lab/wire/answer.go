package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Protocol is how a service speaks.
type Protocol int

// The protocols.
const (
	RestXML  Protocol = iota // s3
	EC2Query                 // ec2
	AWSQuery                 // sts, iam, autoscaling
	AWSJSON                  // ssm, kms, servicequotas
)

// ProtocolOf is the protocol of a service by its signing name.
func ProtocolOf(service string) Protocol {
	switch service {
	case "ec2":
		return EC2Query
	case "sts", "iam", "autoscaling":
		return AWSQuery
	case "ssm", "kms", "servicequotas":
		return AWSJSON
	}
	return RestXML
}

// namespace is what the XML answers of a service are in.
func namespace(service string) string {
	switch service {
	case "ec2":
		return "http://ec2.amazonaws.com/doc/2016-11-15/"
	case "sts":
		return "https://sts.amazonaws.com/doc/2011-06-15/"
	case "iam":
		return "https://iam.amazonaws.com/doc/2010-05-08/"
	case "autoscaling":
		return "http://autoscaling.amazonaws.com/doc/2011-01-01/"
	}
	return "http://s3.amazonaws.com/doc/2006-03-01/"
}

// Reply is an answer of S3 that is more than an XML document.
type Reply struct {
	Status int // 0: 200
	Header http.Header
	Body   io.Reader // may be nil; closed after use when it is an io.Closer
}

// Time is written as the protocol does: RFC 3339 with milliseconds in XML, seconds
// since 1970 in JSON.
type Time struct{ time.Time }

// MarshalText is the form in XML.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(t.UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

// MarshalJSON is the form of the JSON protocols.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// WriteAnswer sends what a service answered.
func WriteAnswer(w http.ResponseWriter, c *Call, answer any) error {
	if reply, ok := answer.(*Reply); ok {
		return writeReply(w, c, reply)
	}
	body, err := Encode(c, answer)
	if err != nil {
		return fmt.Errorf("cannot encode the answer to %s: %w", c.Action, err)
	}
	return send(w, c.Service, c.ID, http.StatusOK, body)
}

func writeReply(w http.ResponseWriter, c *Call, reply *Reply) error {
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.Header().Set("x-amz-request-id", c.ID)
	w.WriteHeader(max(reply.Status, http.StatusOK))
	if reply.Body == nil {
		return nil
	}
	_, err := io.Copy(w, reply.Body)
	if closer, ok := reply.Body.(io.Closer); ok {
		err = errors.Join(err, closer.Close())
	}
	return err
}

// WriteFault sends an error as the service would. HEAD requests get none but its
// status.
func WriteFault(w http.ResponseWriter, r *http.Request, service, id string, fault *Fault) error {
	status := fault.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return nil
	}
	if ProtocolOf(service) == AWSJSON {
		w.Header().Set("X-Amzn-Errortype", fault.Code)
	}
	body, err := encodeFault(service, r.URL.Path, id, fault)
	if err != nil {
		return fmt.Errorf("cannot encode an error: %w", err)
	}
	return send(w, service, id, status, body)
}

func send(w http.ResponseWriter, service, id string, status int, body []byte) error {
	header := w.Header()
	switch ProtocolOf(service) {
	case AWSJSON:
		header.Set("Content-Type", "application/x-amz-json-1.1")
		header.Set("x-amzn-RequestId", id)
	case AWSQuery:
		header.Set("Content-Type", "text/xml")
		header.Set("x-amzn-RequestId", id)
	default:
		header.Set("Content-Type", "text/xml;charset=UTF-8")
		header.Set("x-amz-request-id", id)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// Encode is the body of an answer, other than a *Reply, in the protocol of the call's
// service.
func Encode(c *Call, answer any) ([]byte, error) {
	if ProtocolOf(c.Service) == AWSJSON {
		if answer == nil {
			return []byte("{}"), nil
		}
		return json.Marshal(answer)
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	if ProtocolOf(c.Service) == RestXML {
		err := xml.NewEncoder(&out).Encode(answer)
		return out.Bytes(), err
	}
	children, err := inner(answer)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&out, "<%sResponse xmlns=%q>", c.Action, namespace(c.Service))
	if ProtocolOf(c.Service) == EC2Query {
		fmt.Fprintf(&out, "<requestId>%s</requestId>%s", c.ID, children)
	} else {
		fmt.Fprintf(&out, "<%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>%[3]s</RequestId></ResponseMetadata>", c.Action, children, c.ID)
	}
	fmt.Fprintf(&out, "</%sResponse>", c.Action)
	return out.Bytes(), nil
}

// inner is the XML of an answer's fields without an element around them.
func inner(answer any) ([]byte, error) {
	if answer == nil {
		return nil, nil
	}
	var out bytes.Buffer
	e := xml.NewEncoder(&out)
	if err := e.EncodeElement(answer, xml.StartElement{Name: xml.Name{Local: "x"}}); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(bytes.TrimPrefix(out.Bytes(), []byte("<x>")), []byte("</x>")), nil
}

func encodeFault(service, path, id string, fault *Fault) ([]byte, error) {
	type detail struct {
		Type    string `xml:",omitempty"`
		Code    string
		Message string
	}
	d := detail{Code: fault.Code, Message: fault.Message}
	var document any
	switch ProtocolOf(service) {
	case AWSJSON:
		return json.Marshal(map[string]string{"__type": fault.Code, "message": fault.Message})
	case EC2Query:
		document = struct {
			XMLName   xml.Name `xml:"Response"`
			Error     detail   `xml:"Errors>Error"`
			RequestID string
		}{Error: d, RequestID: id}
	case AWSQuery:
		d.Type = "Sender"
		if fault.Status >= http.StatusInternalServerError {
			d.Type = "Receiver"
		}
		document = struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Namespace string   `xml:"xmlns,attr"`
			Error     detail
			RequestID string `xml:"RequestId"`
		}{Namespace: namespace(service), Error: d, RequestID: id}
	default:
		document = struct {
			XMLName   xml.Name `xml:"Error"`
			Code      string
			Message   string
			Resource  string
			RequestID string `xml:"RequestId"`
		}{Code: fault.Code, Message: fault.Message, Resource: path, RequestID: id}
	}
	body, err := xml.Marshal(document)
	return append([]byte(xml.Header), body...), err
}
