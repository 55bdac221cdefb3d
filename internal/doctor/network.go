package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"crmsync/ingest"
)

const (
	// asking limits how long an address may take to answer.
	asking = 10 * time.Second

	// A clock is doubtful beyond askew. Events from further ahead than the engine believes are read again from Monday.
	askew, unbelievable = 5 * time.Second, 5 * time.Minute

	// expires is how long before its end a certificate is reported.
	expires = 21 * 24 * time.Hour

	// supportedReleases is how many of its newest versions Salesforce certainly supports: three years with three
	// releases each.
	supportedReleases = 9

	mostAnswered = 1 << 20
)

// plain is a client for addresses that need no login. Its errors leave out the address, which may hold a secret.
var plain = &http.Client{
	Timeout:       asking,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask returns an answer with its whole body.
func ask(ctx context.Context, method, address string, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, nil, errors.New("the address is not a valid URL")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := plain.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswered))
	return resp, text, err
}

// clocks compares the clocks of Postgres and both systems with ours.
func (e *examination) clocks(ctx context.Context) []Finding {
	f := &findings{subject: "clocks"}
	if e.db != nil {
		ahead, err := clock(ctx, e.db)
		compareClock(f, "Postgres", ahead, err)
	}
	for _, system := range []struct{ name, address string }{
		{"Monday", e.config.MondayURL}, {"Salesforce", e.config.SalesforceLogin},
	} {
		if system.address == "" {
			continue
		}
		before := time.Now()
		resp, _, err := ask(ctx, http.MethodGet, system.address, nil)
		if err != nil {
			continue // the system itself is reported
		}
		theirs, err := http.ParseTime(resp.Header.Get("Date")) // by whole seconds
		compareClock(f, system.name, theirs.Add(time.Second/2).Sub(before.Add(time.Since(before)/2)), err)
	}
	return f.all
}

func compareClock(f *findings, name string, ahead time.Duration, err error) {
	const do = "Let NTP set the clock of this machine (timedatectl), and of the server."
	off := ahead.Abs().Truncate(time.Second)
	which := "ahead of"
	if ahead < 0 {
		which = "behind"
	}
	switch {
	case err != nil:
		f.doubtful("", "the clock of %s was not compared: %v", name, err)
	case off > unbelievable:
		f.wrong(do, "the clock of %s is %s %s this machine's", name, off, which)
	case off > askew:
		f.doubtful(do, "the clock of %s is %s %s this machine's", name, off, which)
	default:
		f.fine("the clock of %s agrees with this machine's", name)
	}
}

// salesforceVersion checks whether Salesforce still has the version of its API that is used.
func (e *examination) salesforceVersion(ctx context.Context) []Finding {
	f := &findings{subject: "Salesforce"}
	address := strings.TrimRight(e.config.SalesforceLogin, "/") + "/services/data"
	_, text, err := ask(ctx, http.MethodGet, address, nil)
	var versions []struct {
		Version string `json:"version"`
	}
	if err == nil {
		err = json.Unmarshal(text, &versions)
	}
	if err != nil || len(versions) == 0 {
		f.doubtful("", "the versions of the API could not be listed")
		return f.all
	}
	own, _ := strconv.ParseFloat(strings.TrimPrefix(e.config.SalesforceVersion, "v"), 64)
	has, newest := false, 0.0
	for _, v := range versions {
		number, _ := strconv.ParseFloat(v.Version, 64)
		has, newest = has || number == own, max(newest, number)
	}
	next := fmt.Sprintf("Set SALESFORCE_API_VERSION=v%.1f.", newest)
	switch {
	case !has:
		f.wrong(next, "version %s of the API does not exist; the newest is v%.1f", e.config.SalesforceVersion, newest)
	case newest-own >= supportedReleases:
		f.doubtful(next, "version %s of the API is old and will be retired; the newest is v%.1f",
			e.config.SalesforceVersion, newest)
	default:
		f.fine("version %s of the API is supported; the newest is v%.1f", e.config.SalesforceVersion, newest)
	}
	return f.all
}

// public examines the public address of ingest as Monday would, and the webhooks that lead to it.
func (e *examination) public(ctx context.Context) []Finding {
	f := &findings{subject: "webhooks"}
	switch {
	case !e.input.Role.Ingest: // another process has its settings
	case e.config.IngestURL == "":
		f.doubtful("Set INGEST_URL to the address that Monday reaches ingest at, such as https://sync.example.org.",
			"the public address of ingest is unknown")
	default:
		e.challenge(ctx, f)
	}
	if !e.input.Role.Worker {
		return f.all
	}
	register := "crmsync webhooks --url " + orExample(e.config.IngestURL)
	if boards, ok := e.missingWebhooks(); !ok {
		f.doubtful("", "whether the webhooks are registered was not examined")
	} else if len(boards) > 0 {
		f.wrong(register, "webhooks are missing for board %s", strings.Join(boards, ", "))
	} else {
		f.fine("each board has all webhooks")
	}
	return f.all
}

func orExample(address string) string {
	if address == "" {
		return "https://..."
	}
	return address
}

// challenge asks ingest to prove that it is running and knows the secret.
func (e *examination) challenge(ctx context.Context, f *findings) {
	address := strings.TrimRight(e.config.IngestURL, "/") + ingest.Path
	if len(e.config.WebhookSecrets) > 0 {
		address += "/" + e.config.WebhookSecrets[0]
	}
	word := rand.Text()
	resp, text, err := ask(ctx, http.MethodPost, address, []byte(`{"challenge":"`+word+`"}`))
	var says struct {
		Challenge string `json:"challenge"`
	}
	switch {
	case err != nil:
		f.wrong("Start crmsync serve or ingest, and let the proxy lead to INGEST_ADDR.",
			"%s cannot be reached from here: %v", e.config.IngestURL, reachable(err))
	case resp.StatusCode == http.StatusNotFound:
		f.wrong("Use the same WEBHOOK_SECRET here and there, and let the proxy pass "+ingest.Path+" on.",
			"%s answers, but does not know the path or the secret", e.config.IngestURL)
	case resp.StatusCode != http.StatusOK || json.Unmarshal(text, &says) != nil || says.Challenge != word:
		f.wrong("Let the proxy pass "+ingest.Path+" on to INGEST_ADDR.",
			"%s answers with status %d, not as ingest does", e.config.IngestURL, resp.StatusCode)
	default:
		f.fine("%s is ingest, and knows the secret", e.config.IngestURL)
	}
	if err != nil || resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0 {
		return
	}
	certificate(f, e.config.IngestURL, resp.TLS.PeerCertificates[0].NotAfter, time.Now())
}

// certificate examines when the certificate of an address expires.
func certificate(f *findings, address string, end, now time.Time) {
	if end.Sub(now) < expires {
		f.doubtful("Renew it; Caddy and cert-manager do so by themselves.", "the certificate of %s expires on %s",
			address, end.UTC().Format(time.DateOnly))
	} else {
		f.fine("the certificate of %s is valid until %s", address, end.UTC().Format(time.DateOnly))
	}
}

// reachable is the part of an error of the network that people can act on.
func reachable(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}
