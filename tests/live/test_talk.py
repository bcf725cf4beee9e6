"""Two people talk, by hand: the messages of the protocol to the letter, against real gunicorn."""

import json

from .raw import TEXT, Person, eventually


def test_the_three_messages_are_answered_to_the_letter(server, come):
    ada, ben = come(server, "123", "ada", login=False), come(server, "7", "ben")
    ada.client.send(TEXT, b'{"type":"login","content":"login"}')
    login = ada.expect("login")
    assert (login["uid"], login["name"], login["client_id"]) == ("123", "ada", ada.hello["client_id"])
    assert login["groups"][0]["gid"] == "lobby"

    server.flask("room", "123", "--name", "Tea")
    for person in (ada, ben):
        person.ask(type="join", gid=123)
    ada.client.send(TEXT, '{"type":"group","content":"大家好, hello","gid":123}'.encode())
    for person in (ada, ben):
        message = person.expect("groupPm")
        assert {key: message[key] for key in ("gid", "uid", "name", "content", "seq")} == {
            "gid": "123",
            "uid": "123",
            "name": "ada",
            "content": "大家好, hello",
            "seq": 1,
        }

    ben.client.send(TEXT, '{"type":"pm","content":"悄悄话","uid":123}'.encode())
    message = ada.expect("pm")
    assert (message["uid"], message["to"], message["content"], message["seq"]) == ("7", "123", "悄悄话", 1)
    assert {"ts", "mid"} <= message.keys()


def test_the_first_connection_of_a_process_is_1001(server, come):
    assert come(server, "1", login=False).hello["client_id"] == 1001
    assert come(server, "1", login=False).hello["client_id"] == 1002


def test_a_pm_reaches_both_tabs_of_ada_and_the_other_tab_of_ben(server, come):
    ada, ada2 = come(server, "1", "ada"), come(server, "1", "ada")
    ben, ben2 = come(server, "2", "ben"), come(server, "2", "ben")
    ack = ben.ask(type="pm", uid="1", content="hi")
    assert (ack["type"], ack["ok"], ack["seq"]) == ("ack", True, 1)
    assert [tab.expect("pm")["content"] for tab in (ada, ada2, ben2)] == ["hi"] * 3
    ben.nothing("pm")


def test_the_speaker_gets_the_room_message_too_with_its_id(server, come):
    ada = come(server, "1", "ada")
    ada.send(type="group", gid="lobby", content="hello", id="my-1")
    assert ada.expect("groupPm")["id"] == "my-1"
    assert ada.expect("ack", id="my-1")["ok"] is True


def test_a_repeat_gets_the_same_ack_and_is_delivered_once(server, come):
    ada, ben = come(server, "1", "ada"), come(server, "2", "ben")
    first = ada.ask(type="group", gid="lobby", content="once", id="a-1")
    again = ada.ask(type="group", gid="lobby", content="once, but other", id="a-1")
    assert again == first
    ada.ask(type="group", gid="lobby", content="next")
    assert [ben.expect("groupPm")["content"] for _ in range(2)] == ["once", "next"]


def test_a_stranger_neither_reads_nor_writes_a_private_room(server, come):
    ada, eve = come(server, "1", "ada"), come(server, "6", "eve")
    gid = ada.ask(type="create", name="Secret", private=True)["room"]["gid"]
    ada.ask(type="group", gid=gid, content="between us")
    for request in (
        {"type": "group", "content": "let me in"},
        {"type": "join"},
        {"type": "history"},
        {"type": "members"},
        {"type": "typing"},
        {"type": "read", "seq": 1},
        {"type": "invite", "uid": "6"},
        {"type": "leave"},
    ):
        assert eve.ask(gid=gid, **request)["code"] == "unknown_room"
    login = eve.login(resume={"seqs": {f"g:{gid}": 0}})
    assert gid not in json.dumps(login)
    assert gid not in json.dumps(eve.ask(type="rooms"))
    eve.nothing("groupPm")
    assert ada.ask(type="history", gid=gid)["messages"][0]["content"] == "between us"


def test_an_invited_person_sees_the_room_at_once(server, come):
    ada, ben = come(server, "1", "ada"), come(server, "2", "ben")
    gid = ada.ask(type="create", name="Plans", private=True)["room"]["gid"]
    ada.ask(type="invite", gid=gid, uid="2")
    assert ben.expect("join", gid=gid, uid="2")["room"] == "Plans"
    ada.send(type="group", gid=gid, content="welcome")
    assert ben.expect("groupPm", gid=gid)["content"] == "welcome"


def test_who_left_hears_nothing_more(server, come):
    ada, ben = come(server, "1", "ada"), come(server, "2", "ben")
    ben.ask(type="leave", gid="lobby")
    assert ada.expect("leave")["uid"] == "2"
    ada.ask(type="group", gid="lobby", content="is ben here?")
    ben.nothing("groupPm")
    assert ben.ask(type="group", gid="lobby", content="hm")["code"] == "not_member"


def test_history_comes_in_pages_by_sequence(server, come):
    ada = come(server, "1", "ada")
    for number in range(1, 8):
        ada.ask(type="group", gid="lobby", content=f"number {number}")
    newest = ada.ask(type="history", gid="lobby", limit=3)
    assert [m["seq"] for m in newest["messages"]] == [5, 6, 7]
    assert newest["more"] is True
    older = ada.ask(type="history", gid="lobby", before=5, limit=10)
    assert [m["seq"] for m in older["messages"]] == [1, 2, 3, 4]
    assert older["more"] is False
    newer = ada.ask(type="history", gid="lobby", after=5)
    assert [m["seq"] for m in newer["messages"]] == [6, 7]


def test_everything_is_there_after_the_server_was_killed(serve, come):
    server = serve()
    ada, ben = come(server, "1", "ada"), come(server, "2", "ben")
    for number in range(20):
        ada.ask(type="group", gid="lobby", content=f"number {number}")
    ben.ask(type="pm", uid="1", content="晚安")
    epoch = ada.welcome["epoch"]
    server.kill()
    server.start()
    ada = Person(server, "1", "ada")
    login = ada.login(resume={"epoch": epoch, "seqs": {"g:lobby": 15}})
    assert login["epoch"] == epoch
    assert [ada.expect("groupPm")["seq"] for _ in range(5)] == [16, 17, 18, 19, 20]
    assert ada.expect("pm")["content"] == "晚安"
    assert len(ada.ask(type="history", gid="lobby")["messages"]) == 20
    ada.close()


def test_bad_input_is_answered_by_code_and_the_connection_lives(server, come):
    ada = come(server, "1", "ada")
    for raw, code in (
        ("not json", "bad_json"),
        ('{"type":"group","gid":"lobby","content":NaN}', "bad_json"),
        ('{"type":"group","gid":"lobby","gid":"x","content":"a"}', "bad_json"),
        ('{"type":"group","gid":"lobby","content":"\\ud800"}', "bad_json"),
        ('{"type":"login","content":' + "[" * 60000, "bad_json"),
        ("[" * 60000, "bad_frame"),
        ("[]", "bad_frame"),
        ('{"gid":"lobby"}', "bad_frame"),
        ('{"type":"group","gid":{},"content":"a"}', "bad_frame"),
        ('{"type":"group","gid":"lobby","content":5}', "bad_frame"),
        ('{"type":"group","gid":99999999999999999999,"content":"a"}', "bad_frame"),
        ('{"type":"history","gid":"lobby","limit":"ten"}', "bad_frame"),
        ('{"type":"dance"}', "unknown_type"),
        ('{"type":"group","gid":"nowhere","content":"a"}', "unknown_room"),
        ('{"type":"group","gid":"lobby","content":" \\n "}', "empty"),
        ('{"type":"group","gid":"lobby","content":"a\\u0000b"}', "bad_text"),
        (json.dumps({"type": "group", "gid": "lobby", "content": "x" * 4001}), "too_long"),
    ):
        ada.client.send(TEXT, raw.encode())
        error = ada.expect("error")
        assert (raw[:60], error["code"]) == (raw[:60], code)
        assert error["message"]
    assert ada.ask(type="history", gid="lobby")["messages"] == []
    assert ada.ask(type="group", gid="lobby", content="still here")["seq"] == 1


def test_nothing_is_done_before_the_login(server, come):
    ada = come(server, "1", "ada", login=False)
    assert ada.ask(type="group", gid="lobby", content="hi")["code"] == "not_logged_in"
    assert ada.ask(type="ping")["type"] == "pong"


def test_a_socket_without_identity_is_closed_with_4401_at_the_login(server, come):
    nobody = come(server, login=False)
    nobody.send(type="login")
    assert nobody.expect("error")["code"] == "not_logged_in"
    assert nobody.closed().code == 4401


def test_a_token_may_come_with_the_login_and_decides_for_good(server, come):
    ada = come(server, login=False)
    ada.send(type="login", token=server.token("1", "ada"))
    assert ada.expect("login")["uid"] == "1"
    assert ada.ask(type="login", token=server.token("2", "ben"))["code"] == "forbidden"
    assert ada.ask(type="login", token="forged")["code"] == "bad_token"


def test_a_room_made_on_the_command_line_is_there_at_once(server, come):
    ada = come(server, "1", "ada")
    server.flask("room", "order-42", "--name", "Order 42", "--private", "--member", "1")
    assert ada.ask(type="group", gid="order-42", content="where is it?")["seq"] == 1
    token = server.flask("token", "9").strip()
    nine = come(server, login=False)
    nine.send(type="login", token=token)
    assert nine.expect("login")["uid"] == "9"


def test_the_registry_forgets_whoever_goes_however_they_go(serve, come):
    server = serve(grace_seconds="1")
    watcher = come(server, "9")
    watcher.ask(type="members", gid="lobby")
    before = server.sockets()
    polite, rude, reset = (come(server, str(uid)) for uid in (1, 2, 3))
    polite.client.send(8, b"\x03\xe8")
    assert polite.closed().code == 1000
    rude.close()
    reset.client.socket.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER 0: a reset
    reset.close()

    def alone() -> bool:
        members = watcher.ask(type="members", gid="lobby")["members"]
        return [m["uid"] for m in members if m["online"]] == ["9"] and server.sockets() == before

    eventually(alone)


def test_forty_people_hear_each_other_in_one_order(server, come):
    people = [come(server, str(uid)) for uid in range(40)]
    for number, person in enumerate(people):
        person.send(type="group", gid="lobby", content=f"I am {number}")
    for person in people:
        heard = [person.expect("groupPm")["seq"] for _ in people]
        assert heard == list(range(1, len(people) + 1))
