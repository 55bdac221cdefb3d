package sfclient

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"
	"golang.org/x/sync/singleflight"
)

// loginTimeout limits how long a login may take, independently of the contexts of the calls that wait for it.
const loginTimeout = 30 * time.Second

// token is a session and the host it is valid for.
type token struct {
	access   string
	instance *url.URL // scheme and host
	org      string   // Id of the organization; empty: unknown
	user     string   // Id of the session's user; empty: unknown
}

// tokens holds the session that all calls share. Salesforce does not say when a session ends, and using it prolongs
// it, so it is kept until a call is refused.
type tokens struct {
	hosts   hosts
	http    *http.Client
	fetch   func(ctx context.Context) (*oauth2.Token, error)
	observe func(operation, code string, took time.Duration, succeeded, failed int)
	flight  singleflight.Group

	mu      sync.Mutex
	current *token
}

func newTokens(config Config, client *http.Client,
	observe func(string, string, time.Duration, int, int)) (*tokens, error) {
	hosts, err := newHosts(config.LoginURL, config.InstanceHosts)
	faults := []error{err}
	if config.ClientID == "" {
		faults = append(faults, errors.New("salesforce client ID: missing"))
	}
	switch {
	case config.PrivateKey == "" && config.ClientSecret == "":
		faults = append(faults, errors.New("salesforce client secret, or username and private key: missing"))
	case config.PrivateKey == "":
	case config.Username == "":
		faults = append(faults, errors.New("salesforce username: missing; the private key needs it"))
	case !isKey(config.PrivateKey):
		faults = append(faults, errors.New("salesforce private key: not an RSA key in PEM"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	login := *client
	if login.Timeout == 0 || login.Timeout > loginTimeout {
		login.Timeout = loginTimeout
	}
	return &tokens{hosts: hosts, http: &login, fetch: flow(config, hosts), observe: observe}, nil
}

// flow returns the token request for the login flow that config selects.
//
// https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_client_credentials_flow.htm
func flow(config Config, hosts hosts) func(context.Context) (*oauth2.Token, error) {
	endpoint := hosts.login.JoinPath("services", "oauth2", "token").String()
	if config.PrivateKey == "" {
		return (&clientcredentials.Config{
			ClientID: config.ClientID, ClientSecret: config.ClientSecret, TokenURL: endpoint,
			AuthStyle: oauth2.AuthStyleInParams,
		}).Token
	}
	assertion := &jwt.Config{
		Email: config.ClientID, Subject: config.Username, PrivateKey: []byte(config.PrivateKey),
		TokenURL: endpoint, Audience: hosts.audience(), Expires: 3 * time.Minute,
	}
	return func(ctx context.Context) (*oauth2.Token, error) { return assertion.TokenSource(ctx).Token() }
}

// isKey reports whether x/oauth2 can sign with the key.
func isKey(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return true
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	_, isRSA := key.(*rsa.PrivateKey)
	return err == nil && isRSA
}

// get returns the session. Without one, all callers wait for a single login, which continues even if one of
// them is canceled.
func (t *tokens) get(ctx context.Context) (*token, error) {
	if held := t.held(); held != nil {
		return held, nil
	}
	done := t.flight.DoChan("", func() (any, error) {
		if held := t.held(); held != nil {
			return held, nil
		}
		return t.login(context.WithoutCancel(ctx))
	})
	select {
	case <-ctx.Done():
		err := networkError(ctx, ctx.Err())
		if timeout, ok := errors.AsType[*Error](err); ok {
			timeout.unsent = true
		}
		return nil, while(err, "waiting for the login")
	case result := <-done:
		if result.Err != nil {
			return nil, while(result.Err, "logging in")
		}
		return result.Val.(*token), nil
	}
}

func (t *tokens) held() *token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

// drop forgets a rejected session, unless another has already replaced it.
func (t *tokens) drop(refused *token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == refused {
		t.current = nil
	}
}

// login requests a session and stores it.
func (t *tokens) login(ctx context.Context) (_ *token, err error) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, t.http), loginTimeout)
	defer cancel()
	start, code := time.Now(), "200"
	defer func() { t.observe("token", code, time.Since(start), 0, 0) }()
	granted, err := t.fetch(ctx)
	if err != nil {
		refused := loginError(ctx, err)
		refused.unsent = true
		code = "error"
		if refused.Status != 0 {
			code = strconv.Itoa(refused.Status)
		}
		return nil, refused
	}
	raw, _ := granted.Extra("instance_url").(string)
	instance, err := t.hosts.instance(raw)
	if granted.AccessToken == "" || err != nil {
		return nil, &Error{Status: http.StatusOK, Code: codeForeignHost, login: true, unsent: true}
	}
	session := &token{access: granted.AccessToken, instance: instance}
	session.org, session.user = identity(granted)
	t.mu.Lock()
	t.current = session
	t.mu.Unlock()
	return session, nil
}

// identity extracts the Ids of the org and the user from the identity URL in the answer to a login, such as
// https://login.salesforce.com/id/00D.../005... .
//
// https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_openid.htm
func identity(granted *oauth2.Token) (org, user string) {
	raw, _ := granted.Extra("id").(string)
	path, user := cutLast(raw, "/")
	_, org = cutLast(path, "/")
	org, _ = ID18(org)
	user, _ = ID18(user)
	return org, user
}

func cutLast(s, sep string) (before, after string) {
	n := strings.LastIndex(s, sep)
	if n < 0 {
		return "", s
	}
	return s[:n], s[n+len(sep):]
}

// loginError omits x/oauth2's text about a rejected login because it repeats the answer.
func loginError(ctx context.Context, err error) *Error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		var network *Error
		if errors.As(networkError(ctx, err), &network) {
			return network
		}
		return &Error{Code: codeUnreachable}
	}
	status := refused.Response.StatusCode
	return &Error{
		moved:  status/100 == 3 || status == http.StatusNotFound,
		Status: status,
		Code:   name(cmp.Or(refused.ErrorCode, gjson.GetBytes(refused.Body, "error").String())),
		wait:   retryAfter(refused.Response.Header),
		login:  status < 500,
		edge:   status >= 500,
	}
}
