//! The HTTP server: its thread, its connections, and the ways an answer leaves or does not. Decides nothing about
//! Discord.

use std::{
    any::Any,
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::AsFd,
    pin::Pin,
    sync::mpsc,
    task::{Context, Poll},
    thread::JoinHandle,
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    body::{BodySize, MessageBody},
    dev::{Extensions, ServerHandle},
    error::PayloadError,
    http::{StatusCode, header},
    rt, web,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use socket2::{Domain, Socket, Type};

use crate::{
    clock,
    control::Control,
    control_http,
    fake::Call,
    id::Id,
    reply::{End, Outcome, Reply},
    settings::Settings,
};

/// Bytes of a request body.
const BODY_BYTES_MAX: usize = 25 * 1024 * 1024;

/// Idle connections are kept longer than clients keep them, so that none is closed just as it is used.
const KEEP_ALIVE_S: u64 = 300;

/// Connections that wait to be accepted after the fake came back.
const ACCEPT_BACKLOG: i32 = 1024;

/// A running fake Discord. Stops when dropped.
#[derive(Debug)]
pub struct FakeDiscord {
    control: Control,
    base_url: String,
    address: SocketAddr,
    worker_threads: usize,
    presence: Presence,
}

/// Whether it can be reached.
#[derive(Debug)]
enum Presence {
    Here(Serving),
    /// Bound and not listening: connections are refused, and nobody else gets the port.
    Away(Socket),
    Gone,
}

impl FakeDiscord {
    /// Binds 127.0.0.1 and serves on threads of its own.
    ///
    /// # Errors
    /// The port is taken, or a thread cannot be started.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", settings.port))?;
        let address = listener.local_addr()?;
        let base_url = format!("http://{address}");
        let worker_threads = settings.worker_threads.max(1);
        let control = Control::new(settings, base_url.clone());
        let serving = Serving::begin(control.clone(), listener, worker_threads)?;
        Ok(Self {
            control,
            base_url,
            address,
            worker_threads,
            presence: Presence::Here(serving),
        })
    }

    /// Closes every connection and refuses new ones, until it comes back. What it remembers stays.
    ///
    /// # Errors
    /// The port was taken by somebody else in the moment between.
    pub fn go_away(&mut self) -> io::Result<()> {
        if let Presence::Here(serving) = std::mem::replace(&mut self.presence, Presence::Gone) {
            serving.end();
        }
        if matches!(self.presence, Presence::Gone) {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_reuse_address(true)?;
            socket.bind(&self.address.into())?;
            self.presence = Presence::Away(socket);
        }
        Ok(())
    }

    /// Serves again at the same address, with everything it remembers.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn come_back(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.presence, Presence::Gone) {
            Presence::Away(socket) => {
                socket.listen(ACCEPT_BACKLOG)?;
                let listener = socket.into();
                let serving = Serving::begin(self.control.clone(), listener, self.worker_threads)?;
                self.presence = Presence::Here(serving);
            }
            already => self.presence = already,
        }
        Ok(())
    }

    /// `http://127.0.0.1:port`; the API is below it at `/api/v10`, the control at `/_fake`.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// Looks into the fake and steers it.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Waits until the server ends, which by itself it does not.
    pub fn join(mut self) {
        if let Presence::Here(serving) = std::mem::replace(&mut self.presence, Presence::Gone) {
            let _ = serving.thread.join();
        }
    }
}

impl Drop for FakeDiscord {
    fn drop(&mut self) {
        if let Presence::Here(serving) = std::mem::replace(&mut self.presence, Presence::Gone) {
            serving.end();
        }
    }
}

/// The server on its thread.
#[derive(Debug)]
struct Serving {
    server: ServerHandle,
    thread: JoinHandle<()>,
}

impl Serving {
    fn begin(control: Control, listener: TcpListener, worker_threads: usize) -> io::Result<Self> {
        let (send_server, server) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("fake-discord".to_owned())
            .spawn(move || {
                rt::System::new().block_on(async move {
                    let server = match serve(control, listener, worker_threads) {
                        Ok(server) => server,
                        Err(error) => {
                            let _ = send_server.send(Err(error));
                            return;
                        }
                    };
                    let _ = send_server.send(Ok(server.handle()));
                    if let Err(error) = server.await {
                        tracing::error!(%error, "the fake discord ended");
                    }
                });
            })?;
        let server = server
            .recv()
            .map_err(|_| io::Error::other("the server thread died"))??;
        Ok(Self { server, thread })
    }

    fn end(self) {
        // The command is sent by the call; the future only waits for its end, as the join does.
        drop(self.server.stop(false));
        let _ = self.thread.join();
    }
}

fn serve(
    control: Control,
    listener: TcpListener,
    worker_threads: usize,
) -> io::Result<actix_web::dev::Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(control.clone()))
            .service(web::scope("/_fake").configure(control_http::routes))
            .route(
                "/attachments/{channel}/{attachment}/{filename}",
                web::get().to(attachment),
            )
            .default_service(web::to(api))
    })
    .workers(worker_threads)
    .keep_alive(Duration::from_secs(KEEP_ALIVE_S))
    .client_request_timeout(Duration::ZERO)
    .client_disconnect_timeout(Duration::ZERO)
    .on_connect(remember_socket)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

/// A second handle on the socket of a connection, to reset it.
struct ConnectionSocket(Socket);

fn remember_socket(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<rt::net::TcpStream>()
        && let Ok(handle) = stream.as_fd().try_clone_to_owned()
    {
        let socket = Socket::from(handle);
        let _ = socket.set_tcp_nodelay(true);
        data.insert(ConnectionSocket(socket));
    }
}

async fn api(
    request: HttpRequest,
    payload: web::Payload,
    control: web::Data<Control>,
) -> Result<HttpResponse, PayloadError> {
    let received_at_us = clock::unix_us();
    let Some(path) = request.path().strip_prefix("/api/v10") else {
        return Ok(HttpResponse::NotFound()
            .json(serde_json::json!({ "message": "404: Not Found", "code": 0 })));
    };
    let text = |name: header::HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let call = Call {
        method: method_name(request.method()),
        path: path.to_owned(),
        query: request.query_string().to_owned(),
        authorization: text(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE),
        body: read_body(payload).await?,
        received_at_us,
    };
    let control = control.into_inner();
    let fault = control.fake().pick_fault(&call);
    let outcome = match fault {
        None => control.fake().perform(&call, None),
        // In a task of its own: a client that gives up meanwhile does not undo a delayed request.
        Some(fault) => {
            let control = control.clone();
            let delayed = rt::spawn(async move {
                rt::time::sleep(Duration::from_millis(fault.delay_ms())).await;
                control.fake().perform(&call, Some(&fault))
            });
            match delayed.await {
                Ok(outcome) => outcome,
                Err(_) => return Ok(HttpResponse::InternalServerError().finish()),
            }
        }
    };
    control.changed();
    if outcome.hang_ms > 0 {
        rt::time::sleep(Duration::from_millis(outcome.hang_ms)).await;
    }
    Ok(emit(&request, outcome))
}

fn method_name(method: &actix_web::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "OTHER",
    }
}

/// The body, or `None` when it is too large; then the rest is read and thrown away so that the client hears the answer.
async fn read_body(mut payload: web::Payload) -> Result<Option<Bytes>, PayloadError> {
    let mut body = BytesMut::new();
    let mut too_large = false;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        too_large |= body.len() + chunk.len() > BODY_BYTES_MAX;
        if !too_large {
            body.extend_from_slice(&chunk);
        }
    }
    Ok((!too_large).then(|| body.freeze()))
}

fn emit(request: &HttpRequest, outcome: Outcome) -> HttpResponse {
    let Reply {
        status,
        headers,
        content_type,
        body,
        ..
    } = outcome.reply;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for header in headers {
        response.insert_header(header);
    }
    if let Some(content_type) = content_type {
        response.insert_header((header::CONTENT_TYPE, content_type));
    }
    match outcome.end {
        End::Answer => response.body(body),
        End::Close => response.body(CutShort::at(0, &body)),
        End::Cut => response.body(CutShort::at(body.len() / 2, &body)),
        End::Reset => {
            if let Some(ConnectionSocket(socket)) = request.conn_data() {
                // No lingering: closing discards what is unsent and resets the connection.
                let _ = socket.set_linger(Some(Duration::ZERO));
            }
            response.body(CutShort::at(0, &body))
        }
    }
}

/// A body that breaks off. Its error ends the connection; a head that was not flushed before is never sent.
struct CutShort {
    announced: u64,
    start: Option<Bytes>,
    flushed: bool,
}

impl CutShort {
    fn at(length: usize, body: &Bytes) -> Self {
        Self {
            // Never zero: an empty body would be a complete one.
            announced: body.len().max(1) as u64,
            start: (length > 0).then(|| body.slice(..length)),
            flushed: length == 0,
        }
    }
}

impl MessageBody for CutShort {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.announced)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        if let Some(start) = self.start.take() {
            return Poll::Ready(Some(Ok(start)));
        }
        if !self.flushed {
            // One more turn, so that the start is written.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}

async fn attachment(
    control: web::Data<Control>,
    path: web::Path<(Id, Id, String)>,
) -> Result<HttpResponse, Infallible> {
    let file = control.fake().store.file(path.1).cloned();
    Ok(match file {
        None => HttpResponse::NotFound().body("This content is no longer available."),
        Some((content_type, data)) => HttpResponse::Ok()
            .content_type(content_type.unwrap_or_else(|| "application/octet-stream".to_owned()))
            .body(data),
    })
}
