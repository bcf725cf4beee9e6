from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required, login_user, logout_user

from . import db
from .models import User

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("/")
@login_required
def account():
    return render_template("account.html")


@blueprint.route("/login", methods=["GET", "POST"])
def log_in():
    if request.method == "POST":
        user = db.session.query(User).filter_by(email=request.form.get("email", "")).first()
        if user and user.has_password(request.form.get("password", "")) and login_user(user):
            return redirect(url_for("pages.home"))
        flash("This is not an address and a password that belong together.")
    return render_template("login.html")


@blueprint.post("/logout")
@login_required
def logout():
    logout_user()
    return redirect(url_for("pages.home"))


@blueprint.post("/password")
@login_required
def password():
    current_user.set_password(request.form["password"])
    db.session.commit()
    flash("The new password is in force.")
    return redirect(url_for("account.account"))
