package lab

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

// errCut means that the caller gets no answer: its connection is cut.
var errCut = errors.New("connection cut")

// ServeHTTP takes a call through: decode, authenticate, faults, throttle, permissions,
// the service, the log.
func (l *Lab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPath) {
		l.serveControl(w, r)
		return
	}
	at := l.cfg.Now()
	id, err := l.requestID()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	call, err := wire.Read(r, id, l.iam, at)
	e := entry(call, at)
	var answer any
	if err == nil {
		answer, err = l.carryOut(r.Context(), call, &e)
	}
	if e.Outcome == "" {
		e.Outcome = outcome(err)
	}
	if logErr := l.calls.add(e); logErr != nil && err == nil {
		err = logErr // the effect stands, and the log does not know: the caller has to be told
	}
	if reply(w, r, call, answer, err) != nil {
		panic(http.ErrAbortHandler) // the answer is torn: let the caller see that
	}
}

func reply(w http.ResponseWriter, r *http.Request, c *wire.Call, answer any, err error) error {
	var fault *wire.Fault
	switch {
	case err == nil:
		return wire.WriteAnswer(w, c, answer)
	case errors.Is(err, errCut):
		return err
	case !errors.As(err, &fault):
		fault = &wire.Fault{Code: "InternalError", Message: "The lab failed: " + err.Error(), Status: http.StatusInternalServerError}
	}
	return wire.WriteFault(w, r, c.Service, c.ID, fault)
}

func outcome(err error) string {
	var fault *wire.Fault
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &fault):
		return fault.Code
	}
	return "InternalError"
}

// requestID makes an id in the form of a UUID.
func (l *Lab) requestID() (string, error) {
	id, err := l.randomHex(16)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-"), nil
}

// carryOut answers an authentic call. A client that hangs up stops nothing, as with
// AWS.
func (l *Lab) carryOut(ctx context.Context, c *wire.Call, e *Entry) (any, error) {
	service, ok := l.services[c.Service]
	if !ok || !slices.Contains(service.Actions(), c.Action) {
		return nil, unknownAction(c)
	}
	planned, err := l.faults.next(c)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if planned != nil {
		switch fault := planned.fault(c.Service); {
		case fault != nil:
			return nil, fault
		case planned.Kind == kindBefore:
			e.Outcome = kindBefore
			return nil, errCut
		case planned.Kind == kindStuck:
			ctx = wire.WithStuck(ctx, planned.For)
		}
	}
	answer, err := l.serve(ctx, service, c)
	if planned == nil {
		return answer, err
	}
	switch planned.Kind {
	case kindLost:
		return answer, errors.Join(err, l.lose(c, answer, e.Resources))
	case kindAfter:
		e.Outcome = kindAfter + " " + outcome(err)
		return nil, errCut
	}
	return answer, err
}

// serve throttles, authorizes and does.
func (l *Lab) serve(ctx context.Context, service wire.Service, c *wire.Call) (any, error) {
	if fault := l.throttle.take(c, l.cfg.Now()); fault != nil {
		return nil, fault
	}
	if l.cfg.EnforceIAM {
		refused, err := l.authorize(ctx, service, c)
		if err != nil {
			return nil, err
		}
		ctx = wire.WithRefused(ctx, refused)
	}
	return service.Do(ctx, c)
}

// authorize asks IAM the questions of a call. The late ones that are answered no are
// for the service to know.
func (l *Lab) authorize(ctx context.Context, service wire.Service, c *wire.Call) (refused []wire.Check, err error) {
	checks, err := service.Checks(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, check := range checks {
		err := l.iam.Authorize(c, []wire.Check{check})
		switch {
		case check.Late && wire.IsFault(err):
			refused = append(refused, check)
		case err != nil:
			return nil, err
		}
	}
	return refused, nil
}

// anInstance is the id of one, as an answer shows it.
var anInstance = regexp.MustCompile(`<instanceId>(i-[0-9a-f]{17})</instanceId>`)

// lose breaks the hardware of the instances that a call named, or made.
func (l *Lab) lose(c *wire.Call, answer any, named []string) error {
	if c.Action == "RunInstances" && answer != nil {
		body, err := wire.Encode(c, answer)
		if err != nil {
			return err
		}
		for _, match := range anInstance.FindAllSubmatch(body, -1) {
			named = append(named, string(match[1]))
		}
	}
	var errs []error
	for _, id := range named {
		if strings.HasPrefix(id, "i-") {
			errs = append(errs, l.parts.lose(id))
		}
	}
	return errors.Join(errs...)
}

func unknownAction(c *wire.Call) *wire.Fault {
	text := "The lab does not have the action " + c.Action + " of " + c.Service
	switch wire.ProtocolOf(c.Service) {
	case wire.AWSJSON:
		return &wire.Fault{Code: "UnknownOperationException", Message: text}
	case wire.RestXML:
		return &wire.Fault{Code: "NotImplemented", Message: text, Status: http.StatusNotImplemented}
	}
	return &wire.Fault{Code: "InvalidAction", Message: text}
}
