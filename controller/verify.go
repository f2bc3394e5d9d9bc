package controller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/seed-77750964/regain/controller/flow"
)

// The states of a Verification.
const (
	Proven  = "proven"  // a login was accepted
	Refused = "refused" // the server would not take the key
	NoPath  = "no-path" // the server was not reached from here
	Skipped = "skipped"
)

// How long a server is tried: it comes up a little after the instance runs.
// Where the proof is not insisted on, a firewall is not waited for as long.
const (
	tryAuto   = 90 * time.Second
	tryAlways = 5 * time.Minute
	tryAgain  = time.Minute // from the first refusal on: while a system boots, PAM lets nobody in
	oneTry    = 10 * time.Second
)

// verify proves by a login that the new key opens the door. It changes nothing,
// and its failure keeps nobody from home.
func (b *bracket) verify(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if !r.rescued() || r.Verified.State != "" {
		return flow.Wait{}, nil
	}
	if v := b.unverifiable(r); v.State != "" {
		r.Verified = v
		return flow.Wait{}, nil
	}
	b.beginsOnce("verify")
	if b.probe == nil {
		p, err := b.prover(ctx, r)
		if err != nil {
			r.Verified = Verification{State: NoPath, Detail: err.Error()}
			return flow.Wait{}, nil
		}
		b.probe = make(chan Verification, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), oneTry)
			defer cancel()
			b.probe <- p.login(ctx)
		}()
	}
	// A login takes moments, and other runs wait: it is waited for that long.
	moments := 50 * time.Millisecond
	if !b.groups.alone {
		moments /= 10
	}
	grace, cancel := context.WithTimeout(ctx, moments)
	defer cancel()
	select {
	case v := <-b.probe:
		b.probe = nil
		return b.verified(r, v), nil
	case <-grace.Done():
		return flow.Wait{For: time.Second, Why: "for the login to be proven"}, nil
	}
}

// unverifiable is why there is nothing to try.
func (b *bracket) unverifiable(r *Rescue) Verification {
	switch {
	case r.windows():
		return Verification{State: Skipped, Detail: "the new password proves itself when it comes: regain password"}
	case r.Ask.Verify == VerifyNever:
		return Verification{State: Skipped, Detail: "as asked for"}
	case !r.stops():
		return Verification{State: Skipped, Detail: "the instance is stopped, as it was"}
	case len(r.Result.Users) == 0:
		return Verification{State: Skipped, Detail: "it is not known which user the key lets in"}
	case b.Dial == nil:
		return Verification{State: NoPath, Detail: "this program has no way to dial"}
	}
	return Verification{}
}

// verified takes an answer, or tries again.
func (b *bracket) verified(r *Rescue, v Verification) flow.Wait {
	since, limit := "verify", tryAuto
	switch {
	case v.State == Refused:
		b.beginsOnce("refused")
		since, limit = "refused", tryAgain
	case r.Ask.Verify == VerifyAlways:
		limit = tryAlways
	}
	if v.State == Proven || b.since(since) > limit {
		r.Verified = v
		b.signer = nil
		return flow.Wait{}
	}
	return b.wait("verify", rhythm{0, 2 * time.Second}, "for SSH to answer: %s", v.Detail)
}

// prover is one login, with all that it takes.
type prover struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	address string
	user    string
	signer  ssh.Signer
	asks    bool // the signer has no private half
}

// prover finds the address, and the key: the private half where Parameter Store
// gives it to us, else the public one alone.
func (b *bracket) prover(ctx context.Context, r *Rescue) (*prover, error) {
	if err := b.findAddress(ctx, r); err != nil {
		return nil, err
	}
	p := &prover{dial: b.Dial, address: net.JoinHostPort(r.Address, "22"), user: r.Result.Users[0]}
	if b.signer == nil {
		signer, err := b.key(ctx, r)
		if err != nil {
			return nil, err
		}
		b.signer = signer
	}
	p.signer = b.signer
	_, p.asks = p.signer.(*publicHalf)
	return p, nil
}

// findAddress asks where the instance is reached, once it runs again.
func (b *bracket) findAddress(ctx context.Context, r *Rescue) error {
	if r.Address != "" {
		return nil
	}
	is, err := b.instance(ctx, r.Ask.Instance)
	if err != nil {
		return err
	}
	if r.Address = is.PublicIP; r.Address == "" {
		r.Address = is.PrivateIP
	}
	if r.Address == "" {
		return errors.New("the instance has no address")
	}
	return nil
}

// key is the new key, as far as it is to be had: the public half at least.
func (b *bracket) key(ctx context.Context, r *Rescue) (ssh.Signer, error) {
	if r.Param != nil {
		signer, _, err := b.privateHalf(ctx, r, *r.Param)
		if err == nil {
			return signer, nil
		}
	}
	public, err := r.publicKey()
	if err != nil {
		return nil, err
	}
	return &publicHalf{public}, nil
}

// privateHalf fetches the new key. It stays in memory.
func (b *bracket) privateHalf(ctx context.Context, r *Rescue, of Parameter) (ssh.Signer, Parameter, error) {
	public, err := r.publicKey()
	if err != nil {
		return nil, Parameter{}, err
	}
	private, found, err := b.cloud.Secret(ctx, of.Name, of.Version)
	if err != nil {
		return nil, Parameter{}, err
	}
	defer clear(private)
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil || string(signer.PublicKey().Marshal()) != string(public.Marshal()) {
		return nil, Parameter{}, fmt.Errorf("%s, version %d, does not hold the key that was let in", shorten(of.Name), of.Version)
	}
	return signer, found, nil
}

// publicKey is the key that was let in.
func (r *Rescue) publicKey() (ssh.PublicKey, error) {
	line := r.Public
	if r.Ask.PublicKey != "" {
		line = r.Ask.PublicKey
	}
	if r.Result.Report != nil && r.Result.Report.Key != nil {
		line = r.Result.Report.Key.Public
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, errors.New("it is not known which key was let in")
	}
	return public, nil
}

// publicHalf is a signer that cannot sign: that it is asked to means that the
// server would accept the key (RFC 4252, section 7).
type publicHalf struct{ key ssh.PublicKey }

var errWouldAccept = errors.New("the server would accept the key")

// PublicKey is the key.
func (p *publicHalf) PublicKey() ssh.PublicKey { return p.key }

// Sign never signs.
func (p *publicHalf) Sign(io.Reader, []byte) (*ssh.Signature, error) {
	return nil, errWouldAccept
}

// SignWithAlgorithm never signs. That it is there has an RSA key offered with
// SHA-2: sshd takes no other any more.
func (p *publicHalf) SignWithAlgorithm(io.Reader, []byte, string) (*ssh.Signature, error) {
	return nil, errWouldAccept
}

// login makes a handshake and logs in, or asks whether it could.
func (p *prover) login(ctx context.Context) Verification {
	conn, err := p.dial(ctx, "tcp", p.address)
	if err != nil {
		return Verification{State: NoPath, Detail: err.Error()}
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return Verification{State: NoPath, Detail: err.Error()}
		}
	}
	host, key := "", ssh.PublicKey(nil)
	config := &ssh.ClientConfig{
		User: p.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(p.signer)},
		// Nobody knows the key yet. Nothing secret is told to the server: a
		// signature proves the key for this session alone.
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			host, key = knownhosts.Line([]string{p.address}, k), k
			return nil
		},
	}
	client, _, _, err := ssh.NewClientConn(conn, p.address, config)
	if err == nil {
		client.Close()
	}
	v := Verification{HostKey: host, Detail: p.user + "@" + p.address}
	switch {
	case err == nil:
		v.State = Proven
		v.Detail += " was let in with the new key"
	case p.asks && errors.Is(err, errWouldAccept):
		v.State = Proven
		v.Detail += ": " + errWouldAccept.Error()
	case key == nil:
		return Verification{State: NoPath, Detail: err.Error()}
	default:
		v.State, v.Detail = Refused, err.Error()
	}
	return v
}
