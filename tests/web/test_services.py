from legacy_chat.web.services import Services


def test_a_process_has_one_of_each(host):
    services = Services(host.extensions["legacy_chat"])
    assert services.keys is services.keys
    assert services.pushes is services.state.pushes


def test_after_a_fork_they_are_new(host, monkeypatch):
    services = Services(host.extensions["legacy_chat"])
    before = services.keys
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert services.keys is not before
