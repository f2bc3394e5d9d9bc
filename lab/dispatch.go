package lab

import (
	"context"
	"errors"
	"net/http"
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
		return answer, errors.Join(err, l.lose(ctx, e.Resources))
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
		checks, err := service.Checks(ctx, c)
		if err != nil {
			return nil, err
		}
		if err := l.iam.Authorize(c, checks); err != nil {
			return nil, err
		}
	}
	return service.Do(ctx, c)
}

// lose breaks the hardware of the instances that a call named.
func (l *Lab) lose(ctx context.Context, named []string) error {
	var errs []error
	for _, id := range named {
		if strings.HasPrefix(id, "i-") {
			errs = append(errs, l.parts.lose(ctx, id))
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
